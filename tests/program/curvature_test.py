# SPDX-FileCopyrightText: 2026 Kyrtos contributors
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Runs `kyrtos curvature` and `kyrtos info` on a small run: curvature_test.py PROGRAM [LAUNCHER…],
where the launcher starts the program on two ranks."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from unittest import mock

PROGRAM, *LAUNCHER = sys.argv[1:]
CONFIG = """
[model]
preset = "gpt2"
depth = 2
width = 16
heads = 2
context = 16
[data]
train = "text.txt"
[training]
steps = 30
batch = 4
evaluate_every = 10
[schedule]
peak = 3e-3
warmup_steps = 5
[curvature]
probe = "fixed"
max_hvps = 30
target_residual = 0.01
[output]
directory = "run"
checkpoint_every = 10
keep_checkpoints = 0
"""
LICENSE = Path(__file__).resolve().parents[2] / "LICENSE"
LAST = "run/checkpoints/step-00000030.h5"


class OnARun(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.folder = Path(folder.name)
        (cls.folder / "run.toml").write_text(CONFIG)
        words = LICENSE.read_text(encoding="utf-8")  # a text that stays as it is
        (cls.folder / "text.txt").write_text(words * 3, encoding="utf-8")
        cls.run_program(cls(), "train", "run.toml")
        lines = (cls.folder / "run/metrics.jsonl").read_text().splitlines()
        cls.metrics = [json.loads(line) for line in lines]

    def run_program(self, *words, status=0, launcher=()):
        done = subprocess.run([*launcher, PROGRAM, *words], cwd=self.folder, capture_output=True,
                              text=True, encoding="utf-8", timeout=100)
        self.assertEqual(done.returncode, status, done.stderr)
        return done.stderr if status else done.stdout

    def curvature(self, *words, checkpoint=LAST, launcher=()):
        return json.loads(self.run_program("curvature", checkpoint, "--json", "--out", "result.h5",
                                           *words, launcher=launcher))

    def largest(self, *words, **options):
        return self.curvature(*words, **options)["eigenvalues"]["largest"][0]["value"]

    def info(self, *words):
        return json.loads(self.run_program("info", "--json", *words))


class Curvature(OnARun):
    def test_eigenvalues(self):
        found = self.curvature("--top", "4", "--smallest", "2", "--precision", "float64")
        ends = found["eigenvalues"]
        self.assertTrue(ends["converged"])
        self.assertEqual((len(ends["largest"]), len(ends["smallest"])), (4, 2))
        self.assertLessEqual(ends["hvps"], found["options"]["max_hvps"])
        for pair in ends["largest"] + ends["smallest"]:
            self.assertLessEqual(pair["residual"], 1e-3)
        values = [pair["value"] for pair in ends["largest"] + ends["smallest"][::-1]]
        self.assertEqual(values, sorted(values, reverse=True))
        self.assertEqual(found["step"], 30)
        self.assertEqual(found["parameters"], found["model_parameters"])

    def test_residuals_bound_the_error_of_float32(self):
        several = ("--top", "4", "--smallest", "2")
        for matrix in ("hessian", "preconditioned"):
            words = ("--matrix", matrix, "--max-hvps", "300", "--tolerance")
            exact = self.curvature(*words, "1e-10", "--precision", "float64", *several)
            true = [pair["value"] for end in ("largest", "smallest")
                    for pair in exact["eigenvalues"][end]]
            for method in (several, ("--method", "power", "--top", "1", "--smallest", "0")):
                found = self.curvature(*words, "1e-7", *method)["eigenvalues"]
                for pair in found["largest"] + found["smallest"]:
                    error = min(abs(pair["value"] - value) for value in true)
                    self.assertLessEqual(error, pair["residual"] * abs(pair["value"]) + 1e-12)

    def test_residuals_of_products_take_less(self):
        found = self.curvature("--top", "1", "--residuals", "products")
        self.assertEqual(found["options"]["residuals"], "products")
        self.assertAlmostEqual(found["eigenvalues"]["largest"][0]["value"],
                               self.largest("--top", "1"), places=3)

    def test_attention_is_computed_as_the_configuration_says(self):
        values = []
        for method in ("streamed", "blocked"):
            text = CONFIG.replace("[training]",
                                  f'[training]\nattention = "{method}"\nstart = "{LAST}"')
            (self.folder / f"{method}.toml").write_text(text)
            values.append(self.largest("--top", "1", checkpoint=f"{method}.toml"))
        self.assertNotEqual(*values)  # sums in another order
        self.assertAlmostEqual(values[1] / values[0], 1, places=3)

    def test_methods_agree(self):
        by_lanczos = self.largest("--precision", "float64")
        by_power = self.largest("--method", "power", "--max-hvps", "3000", "--tolerance", "1e-3")
        self.assertAlmostEqual(by_power, by_lanczos, delta=1e-2 * by_lanczos)

    def test_training_followed_the_same_eigenvalue(self):
        tracked = self.metrics[-1]
        found = self.curvature("--matrix", "preconditioned")
        value = found["eigenvalues"]["largest"][0]["value"]
        self.assertAlmostEqual(value, tracked["lambda"], delta=2 * tracked["residual"] * value)
        self.assertAlmostEqual(found["threshold_ratio"] / tracked["threshold_ratio"],
                               value / tracked["lambda"], places=4)

    def test_training_on_its_batch_measures_the_matrix_of_these_sequences(self):
        # Of a text of 17 bytes all windows are the same one, whatever is drawn.
        (self.folder / "one.txt").write_text("In the beginning ")
        settings = {"data.train": "one.txt", "data.validation_fraction": 0, "training.steps": 6,
                    "training.evaluate_every": 0, "training.precision": "float64",
                    "curvature.probe": "batch", "curvature.probe_sequences": 2,
                    "curvature.target_residual": 1e-8, "curvature.max_hvps": 500,
                    "curvature.cold_hvps": 500, "output.directory": "one",
                    "output.checkpoint_every": 1}
        self.run_program("train", "run.toml", *(word for key, value in settings.items()
                                                for word in ("--set", f"{key}={value}")))
        lines = (self.folder / "one/metrics.jsonl").read_text().splitlines()
        found = self.largest("--matrix", "preconditioned", "--precision", "float64",
                             "--sequences", "1", "--tolerance", "1e-7", "--max-hvps", "300",
                             checkpoint="one/checkpoints/step-00000005.h5")
        self.assertAlmostEqual(json.loads(lines[5])["lambda"] / found, 1, delta=1e-6)

    def test_parts_interlace(self):
        found = self.curvature("--per-block", "--precision", "float64")
        ends = found["eigenvalues"]
        self.assertEqual([part["name"] for part in found["parts"]],
                         ["embedding", "blocks.0", "blocks.1", "final norm, head"])
        self.assertEqual(sum(part["parameters"] for part in found["parts"]), found["parameters"])
        for part in found["parts"]:
            self.assertLessEqual(part["largest"][0]["value"], ends["largest"][0]["value"] + 1e-9)
            self.assertGreaterEqual(part["smallest"][0]["value"],
                                    ends["smallest"][0]["value"] - 1e-9)
        kinds = self.curvature("--per-kind", "--precision", "float64")["parts"]
        self.assertIn("mlp.up", [kind["name"] for kind in kinds])
        self.assertEqual(sum(kind["parameters"] for kind in kinds), found["parameters"])
        alone = self.curvature("--match", "*.mlp.up.*", "--precision", "float64")
        kind = next(kind for kind in kinds if kind["name"] == "mlp.up")
        self.assertEqual(alone["parameters"], kind["parameters"])
        self.assertAlmostEqual(alone["eigenvalues"]["largest"][0]["value"],
                               kind["largest"][0]["value"], places=6)
        alone = self.curvature("--match", "blocks.0.*", "--precision", "float64")
        self.assertEqual(alone["parameters"], found["parts"][1]["parameters"])
        self.assertAlmostEqual(alone["eigenvalues"]["largest"][0]["value"],
                               found["parts"][1]["largest"][0]["value"], places=6)

    def test_gauss_newton_beside_the_hessian(self):
        both = self.curvature("--gauss-newton", "--precision", "float64")
        for matrix, ends in (("hessian", both["eigenvalues"]),
                             ("gauss_newton", both["gauss_newton"])):
            alone = self.curvature("--matrix", matrix, "--precision", "float64")["eigenvalues"]
            self.assertAlmostEqual(ends["largest"][0]["value"], alone["largest"][0]["value"],
                                   delta=1e-3 * alone["largest"][0]["value"])
        self.assertNotAlmostEqual(both["gauss_newton"]["largest"][0]["value"],
                                  both["eigenvalues"]["largest"][0]["value"], places=3)
        rows = self.run_program("curvature", "run/checkpoints", "--series", "--gauss-newton",
                                "--top", "1", "--out", "series.h5")
        self.assertIn("Gauss-Newton", rows)
        self.run_program("curvature", LAST, "--gauss-newton", "--matrix", "preconditioned", status=2)

    def test_batches(self):
        found = self.curvature("--batches", "4", "--tolerance", "1e-4", "--precision", "float64")
        batches = found["batches"]
        each = [batch["largest"][0]["value"] for batch in batches["each"]]
        self.assertEqual(len(each), 4)
        self.assertAlmostEqual(batches["mean"], sum(each) / 4)
        self.assertEqual((batches["least"], batches["most"]), (min(each), max(each)))
        # λmax is convex, and batch 0 is the one that is looked at without --batches.
        self.assertGreaterEqual(batches["mean"], found["eigenvalues"]["largest"][0]["value"])
        alone = self.largest("--tolerance", "1e-4", "--precision", "float64")
        self.assertAlmostEqual(each[0], alone, delta=1e-6 * alone)

    def test_trace_and_spectrum_agree(self):
        probes = 20
        found = self.curvature("--trace", "--trace-hvps", "90", "--spectrum", "--spectrum-steps",
                               "30", "--spectrum-probes", str(probes), "--precision", "float64")
        spectrum, trace = found["spectrum"], found["trace"]
        step = spectrum["grid"][1] - spectrum["grid"][0]
        self.assertAlmostEqual(step * sum(spectrum["density"]), 1, places=3)
        points = list(zip(spectrum["grid"], spectrum["density"]))
        mean = step * sum(x * y for x, y in points)
        # vᵀAv of a random v has the variance 2‖A‖²_F.
        square = found["parameters"] * step * sum(x * x * y for x, y in points)
        error = 4 * (trace["standard_error"] + (2 * square / probes) ** 0.5)
        self.assertLess(error, abs(trace["value"]))  # it says something
        self.assertAlmostEqual(mean * found["parameters"], trace["value"], delta=error)

    def test_ranks_agree(self):
        if not LAUNCHER:
            self.skipTest("no launcher is given")
        options = ("--precision", "float64", "--sequences", "3", "--per-block")
        one, two = self.curvature(*options), self.curvature(*options, launcher=LAUNCHER)
        self.assertEqual(two["ranks"], 2)
        for a, b in zip([one["eigenvalues"], *one["parts"]], [two["eigenvalues"], *two["parts"]]):
            self.assertAlmostEqual(a["largest"][0]["value"], b["largest"][0]["value"], places=8)

    def test_a_series_is_its_checkpoints_one_by_one(self):
        names = [f"run/checkpoints/step-000000{step}.h5" for step in (10, 20, 30)]
        options = ("--top", "1", "--smallest", "0", "--batches", "2", "--json")
        series = json.loads(self.run_program("curvature", "run/checkpoints/step-*.h5", "--series",
                                             "--out", "series.h5", *options))["series"]
        self.assertEqual([one["step"] for one in series], [10, 20, 30])
        for name, one in zip(names, series):
            alone = self.curvature(*options[:-1], checkpoint=name)
            for key in ("checkpoint", "loss", "eigenvalues", "batches"):
                self.assertEqual(one[key], alone[key])
        facts = self.info("series.h5")
        self.assertEqual(facts["summary"]["series"], series)
        # Of a directory all checkpoints are meant, and the order is that of the steps.
        for name in names:
            shutil.copy(self.folder / name, self.folder / f"{name[-5:-3]}-again.h5")
        lines = self.run_program("curvature", "??-again.h5", "run", "--series", "--top", "1",
                                 "--max-hvps", "3").splitlines()
        self.assertEqual([line.split()[0] for line in lines[3:9]], ["10", "10", "20", "20", "30", "30"])
        self.assertEqual(lines[9], "written to curvature-series.h5")

    def test_results_are_kept(self):
        names = [self.run_program("curvature", "run", "--top", "1").splitlines()[-1]
                 for _ in range(2)]
        self.assertEqual(names, ["written to run/curvature-step-00000030.h5",
                                 "written to run/curvature-step-00000030-2.h5"])
        before = (self.folder / LAST).read_bytes()
        self.assertIn("choose another --out",
                      self.run_program("curvature", "run", "--out", LAST, status=1))
        self.assertEqual((self.folder / LAST).read_bytes(), before)

    def test_errors(self):
        for words, status, message in [
                (["--match", "block.*"], 1, "matches no segment of the model"),
                (["--data", "absent.txt"], 1, "absent.txt"),
                (["--length", "17"], 1, "exceeds the 16 positions of the model"),
                (["--out", "absent/result.h5"], 1, "absent/result.h5"),
                (["--method", "power", "--top", "2"], 2, "use --method lanczos"),
                (["--max-hvps", "6"], 2, "--method power"),
                (["--matrix", "fisher"], 2, "gauss_newton|hessian|preconditioned"),
                (["--plot"], 2, "--spectrum"),
                (["run"], 2, "give --series"),
                (["--series", "--spectrum"], 2, "one at a time"),
                (["absent-*.h5", "--series"], 1, "absent-*.h5")]:
            self.assertIn(message, self.run_program("curvature", "run", *words, status=status))


class Info(OnARun):
    def test_machine(self):
        facts = self.info()
        self.assertEqual(facts["mpi"]["ranks"], 1)
        self.assertGreaterEqual(facts["nodes"][0]["cores"], 1)
        self.assertEqual(facts["nodes"][0]["threads_of_all_ranks"], facts["kokkos"]["host_threads"])
        self.assertIn("kyrtos: ", self.run_program("info"))
        self.assertEqual(facts["vectors_go_by"], "mpi: there is one rank")

    def test_nccl(self):
        folder = self.folder / "nccl"
        folder.mkdir()
        name = folder / "libnccl.so.2"
        path = os.pathsep.join([str(folder), os.environ.get("LD_LIBRARY_PATH", "")])
        with mock.patch.dict(os.environ, {"LD_LIBRARY_PATH": path}):
            name.write_text("no library")
            self.assertIn("not found: " + str(name), self.info()["nccl"])
            name.unlink()
            name.symlink_to(os.environ["KYRTOS_TEST_NCCL"])
            self.assertEqual(self.info()["nccl"], "libnccl.so.2 2.23.4")

    def check_mpi(self, *launcher):
        return self.info("--check-mpi-gpu", "--launcher", " ".join(launcher))

    def test_trials_of_mpi(self):
        facts = self.check_mpi(*LAUNCHER)
        self.assertEqual(set(facts["calls"].values()), {"works"})
        self.assertEqual(facts["setting"], 'parallel.gpu_aware_mpi = "on"')
        self.assertLessEqual({"MPI_Iallgather", "MPI_Iallreduce"}, set(facts["calls"]))

    def test_trials_of_mpi_that_crash(self):
        for call, advised in (("MPI_Iallreduce", "copies"), ("MPI_Iallgather", "off")):
            launcher = self.folder / f"crashes_in_{call}"
            launcher.write_text(f"""#!/bin/sh
case "$*" in *{call}*) kill -SEGV $$ ;; esac
""")
            launcher.chmod(0o755)
            facts = self.check_mpi(str(launcher))
            self.assertIn("signal 11", facts["calls"].pop(call))
            self.assertEqual(set(facts["calls"].values()), {"works"})
            self.assertEqual(facts["setting"], f'parallel.gpu_aware_mpi = "{advised}"')

    def test_trials_of_mpi_without_ranks(self):
        for launcher, message in (("false", "ended with exit code 1"),
                                  ("absent-launcher", "can't start absent-launcher"),
                                  ("env", "ended with exit code 2")):
            said = self.run_program("info", "--check-mpi-gpu", "--launcher", launcher, status=1)
            self.assertIn(message, said)

    def test_checkpoint(self):
        facts = self.info(LAST, "--verify")
        self.assertEqual((facts["format"], facts["step"]), ("kyrtos checkpoint", 30))
        self.assertEqual((facts["model"]["depth"], facts["type"]), (2, "float32"))
        groups = {group["name"]: group["elements"] for group in facts["groups"]}
        self.assertEqual(set(groups.values()), {facts["parameters"]})
        self.assertLessEqual({"parameters", "optimizer/m", "optimizer/v"}, set(groups))
        self.assertIn("all values have their checksums", facts["verified"])

    def test_run(self):
        for name in ("run", "run/run.h5", "run/metrics.jsonl"):
            facts = self.info(name)
            self.assertEqual(facts["steps"], 30)
            self.assertAlmostEqual(facts["first_loss"], self.metrics[0]["loss"])
            self.assertAlmostEqual(facts["last_loss"], self.metrics[-1]["loss"])
            self.assertAlmostEqual(facts["last_lambda"]["value"], self.metrics[-1]["lambda"])
            validated = [m["validation_loss"] for m in self.metrics if "validation_loss" in m]
            self.assertAlmostEqual(facts["best_validation_loss"]["value"], min(validated))
        self.assertEqual(self.info("run")["newest_checkpoint"], LAST)

    def test_a_name_that_is_no_text(self):
        shutil.copytree(self.folder / "run", self.folder / "r\udcffn")  # a byte 0xFF
        newest = self.info("r\udcffn")["newest_checkpoint"]
        self.assertTrue(newest.startswith("r\N{REPLACEMENT CHARACTER}n/"))

    def test_result(self):
        self.curvature("--top", "1")
        facts = self.info("result.h5")
        self.assertEqual(facts["format"], "kyrtos curvature")
        self.assertEqual(facts["summary"]["options"]["matrix"], "hessian")

    def test_what_is_not_ours(self):
        said = self.run_program("info", "text.txt", status=1)
        self.assertIn("looks like plain text, but a checkpoint", said)
        (self.folder / "empty").mkdir()
        self.assertIn("holds no checkpoint", self.run_program("info", "empty", status=1))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
