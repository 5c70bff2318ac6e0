# SPDX-FileCopyrightText: 2026 Kyrtos contributors
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Runs `kyrtos bench` and `kyrtos bench compare`: bench_test.py PROGRAM [LAUNCHER…], where the
launcher starts the program on two ranks. What is measured must be there and make sense; how fast it
is, is no matter for a test."""

import functools
import json
import math
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

PROGRAM, *LAUNCHER = sys.argv[1:]
MODEL_TIMES = ("gradient_s", "step_s", "hvp_s", "gradient_hvp_s", "hvp_alone_s", "tracked_step_s",
               "cut_step_s", "batch_tracked_step_s", "optimizer_s")
PASSES = ("forward_s", "backward_s", "tangent_forward_s", "tangent_backward_s")
LAYERS = ("layer_norm", "rms_norm", "linear_qkv", "linear_up", "linear_down", "qk_norm", "rotary",
          "attention", "gelu_tanh", "gelu_exact", "swiglu", "attention-64", "attention-128",
          "attention-blocked-64", "attention-blocked-128")
HEAD_OPERATIONS = ("loss_s", "gradient_s", "gradient_hvp_s", "hvp_s")
HEADS = ("cross_entropy_head", "cross_entropy_head_large", "mean_squared_error_head")
QUICK = ("--suite", "smoke", "--repetitions", "3")


@functools.cache
def smoke_suite():
    """What the whole suite prints and writes; measured once for all tests."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "one.json"
        done = subprocess.run([PROGRAM, "bench", *QUICK, "--json", file], cwd=folder,
                              capture_output=True, text=True, encoding="utf-8", timeout=100)
        if done.returncode != 0:
            raise AssertionError(done.stdout + done.stderr)
        files_left = sorted(path.name for path in Path(folder).iterdir() if path != file)
        return done.stdout, file.read_text(encoding="utf-8"), files_left


class Bench(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.text, result, self.files_left = smoke_suite()
        self.result = json.loads(result)
        self.cases = {case["name"]: case for case in self.result["cases"]}

    def run_program(self, *words, status=0, launcher=()):
        done = subprocess.run([*launcher, PROGRAM, *words], cwd=self.folder, capture_output=True,
                              text=True, encoding="utf-8", timeout=100)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done.stderr if status else done.stdout

    def measure(self, name, *words, launcher=()):
        self.run_program("bench", "--suite", "smoke", "--repetitions", "1", *words, "--json", name,
                         launcher=launcher)
        return json.loads((self.folder / name).read_text())

    def assert_times(self, case, keys):
        for key in keys:
            lower, upper = case["quartiles"][key]
            self.assertGreater(lower, 0, key)
            self.assertLessEqual(lower, case[key], key)
            self.assertLessEqual(case[key], upper, key)


class Result(Bench):
    def test_says_where_it_was_measured(self):
        result = self.result
        self.assertEqual((result["format"], result["version"]), ("kyrtos bench", 1))
        self.assertEqual((result["suite"], result["rounds"]), ("smoke", 3))
        self.assertRegex(result["date"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
        machine = result["machine"]
        self.assertTrue(machine["name"])
        self.assertEqual(machine["ranks"], 1)
        self.assertGreater(machine["cores"], 0)
        self.assertGreater(machine["threads"], 0)
        for key in ("kyrtos", "kokkos", "compiler", "matrix_products", "mpi", "hdf5"):
            self.assertTrue(result["versions"][key], key)
        self.assertTrue(result["backend"])
        self.assertTrue(result["memory_from"])
        for key in ("gemm_flops_per_s", "triad_bytes_per_s"):
            self.assertGreater(result["peaks"][key], 0)
        self.assertEqual(self.files_left, [])

    def test_models(self):
        for name in ("tiny", "batch-1", "batch-4"):
            case = self.cases[name]
            self.assert_times(case, MODEL_TIMES)
            for over, under in (("hvp", "gradient"), ("gradient_hvp", "gradient"),
                                ("hvp_alone", "gradient"), ("tracked", "step")):
                time = case[f"{over}_s" if over != "tracked" else "tracked_step_s"]
                self.assertAlmostEqual(case[f"{over}_over_{under}"], time / case[f"{under}_s"])
            beyond = case["batch_tracked_step_s"] - case["step_s"]
            arithmetic = 2 * case["probe_sequences"] / case["batch"] * case["gradient_s"]
            self.assertAlmostEqual(case["batch_probe_over_arithmetic"], beyond / arithmetic)
            share = 3 * case["forward_flops"] / case["gradient_s"]
            share /= self.result["peaks"]["gemm_flops_per_s"]
            self.assertAlmostEqual(case["peak_fraction_gradient"], share)
            self.assertAlmostEqual(case["tokens_per_s"], case["tokens"] / case["step_s"])
            self.assertLess(case["hvp_relative_error"], 1e-4)
            self.assertGreater(case["hvp_relative_error"], 0)
            self.assertGreaterEqual(case["peak_memory_mib"], 0)
            self.assertEqual(case["probe_sequences"], 1)
            moved = 7 * 4 * case["parameters"] / case["optimizer_s"]
            self.assertAlmostEqual(case["bytes_per_s"]["optimizer"] / moved, 1)

    def test_layers(self):
        for name in LAYERS:
            self.assert_times(self.cases[name], PASSES)
        for name in HEADS:
            self.assert_times(self.cases[name], HEAD_OPERATIONS)
        for name in ("token_embedding", "linear_embedding"):
            self.assert_times(self.cases[name], ("forward_s", "backward_s"))
        attention = self.cases["attention-64"]
        pairs = attention["batch"] * 64 * 65 / 2
        flops = 2 * 64 * pairs * 12 / attention["tangent_backward_s"]
        self.assertAlmostEqual(attention["flops_per_s"]["tangent_backward"] / flops, 1)

    def test_system(self):
        self.assert_times(self.cases["checkpoint"], ("write_s", "plain_write_s", "read_s"))
        self.assert_times(self.cases["checkpoint_behind"],
                          ("quiet_steps_s", "writing_steps_s", "start_s"))
        self.assertGreater(self.cases["checkpoint"]["write_over_plain"], 0)
        self.assertGreater(self.cases["checkpoint_behind"]["writing_over_quiet"], 0)
        self.assert_times(self.cases["start_up"], ("first_step_s",))
        self.assertNotIn("all_reduce", self.cases)

    def test_slopes(self):
        one, four = self.cases["batch-1"], self.cases["batch-4"]
        slope = math.log(four["step_s"] / one["step_s"]) / math.log(4)
        self.assertAlmostEqual(self.result["slopes"]["batch"]["step_s"], slope)

    def test_table(self):
        self.assertIn("matrix products", self.text)
        self.assertRegex(self.text, r"hvp +[\d.]+ [mµ]s .* % +\d+\.\d\d × gradient")
        self.assertNotIn("\r", self.text)


class Profile(Bench):
    def test_where_the_time_goes(self):
        words = ("bench", "--suite", "smoke", "--repetitions", "1", "--case", "tiny", "--profile",
                 "--json", "profile.json")
        text = self.run_program(*words)
        profile = json.loads((self.folder / "profile.json").read_text())["cases"][0]["profile"]
        gradient = profile["gradient"]
        regions, kernels = gradient["regions"], gradient["kernels"]
        self.assertEqual(regions["attention::forward"]["calls"], 2)  # blocks
        self.assertEqual(regions["linear::backward"]["calls"], 2 * 4)
        self.assertGreater(regions["linear::backward"]["flops_per_s"], 0)
        self.assertGreater(regions["layer_norm::forward"]["bytes_per_s"], 0)
        self.assertNotIn("attention::tangent_forward", regions)
        self.assertIn("attention::tangent_forward", profile["hvp"]["regions"])
        shares = sum(row["share"] for row in regions.values())
        self.assertAlmostEqual(shares + gradient["no_region"], 1)
        self.assertLessEqual(sum(row["share"] for row in kernels.values()), gradient["no_region"])
        self.assertRegex(text, r"linear +backward +8 +[\d.]+ [mµn]?s .* % .*FLOP/s +[\d.]+ %")
        self.assertRegex(text, r"no layer explains .* %")


class Choices(Bench):
    def test_case(self):
        result = self.measure("some.json", "--case", "rotary", "--case", "tiny")
        self.assertEqual([case["name"] for case in result["cases"]], ["tiny", "rotary"])

    def test_precisions(self):
        words = ("--case", "tiny", "--case", "checkpoint", "--precision", "float32")
        if "bf16_flops_per_s" not in self.result["peaks"]:
            told = self.run_program("bench", *QUICK, "--precision", "bf16", status=1)
            self.assertIn("--precision bf16", told)
            self.skipTest("needs a processor with bfloat16")
        result = self.measure("both.json", *words, "--precision", "bf16")
        tiny, rounded, checkpoint = result["cases"]
        self.assertEqual((tiny["name"], tiny["precision"]), ("tiny", "float32"))
        self.assertEqual((rounded["name"], rounded["precision"]), ("tiny-bf16", "bf16"))
        self.assertNotIn("precision", checkpoint)
        self.assertLess(tiny["hvp_relative_error"], 1e-4)
        self.assertGreater(rounded["hvp_relative_error"], 1e-4)
        self.assertLess(rounded["hvp_relative_error"], 0.1)
        share = 3 * rounded["forward_flops"] / rounded["gradient_s"]
        share /= result["peaks"]["bf16_flops_per_s"]
        self.assertAlmostEqual(rounded["peak_fraction_gradient"], share)

    def test_tf32(self):
        rounded, = self.measure("tf32.json", "--case", "tiny", "--precision", "tf32")["cases"]
        self.assertEqual((rounded["name"], rounded["precision"]), ("tiny-tf32", "tf32"))
        self.assertGreater(rounded["hvp_relative_error"], 1e-5)
        self.assertLess(rounded["hvp_relative_error"], 1e-2)

    def test_budget_of_time(self):
        self.run_program("bench", "--suite", "smoke", "--case", "rotary", "--repetitions", "1000",
                         "--seconds", "0", "--json", "short.json")
        self.assertEqual(json.loads((self.folder / "short.json").read_text())["rounds"], 1)

    def test_two_ranks(self):
        words = ("--case", "tiny", "--case", "checkpoint", "--case", "all_reduce")
        result = self.measure("two.json", *words, launcher=LAUNCHER)
        self.assertEqual(result["machine"]["ranks"], 2)
        tiny, _, reduced = result["cases"]
        self.assertEqual(tiny["tokens"], 2 * self.cases["tiny"]["tokens"])
        self.assert_times(reduced, ("sum_s",))

    def test_mistakes_are_named(self):
        self.assertIn("it has tiny", self.run_program("bench", "--suite", "smoke", "--case", "huge",
                                                      status=1))
        self.run_program("bench", "--suite", "smoek", status=2)
        self.assertIn("nowhere/a.json", self.run_program("bench", *QUICK, "--json",
                                                         "nowhere/a.json", status=1))
        (self.folder / "no.json").write_text("{}")
        self.assertIn("no.json", self.run_program("bench", "compare", "no.json", status=1))


class Compare(Bench):
    def rows(self, *results):
        for i, result in enumerate(results):
            (self.folder / f"{i}.json").write_text(json.dumps(result))
        text = self.run_program("bench", "compare",
                                *(f"{i}.json" for i in range(len(results))))
        return {tuple(line.split()[:2]): line for line in text.splitlines()
                if len(line.split()) > 2}

    def test_harmonic_mean(self):
        other = json.loads(json.dumps(self.result))
        other["machine"]["name"] = "Another"
        tiny = next(case for case in other["cases"] if case["name"] == "tiny")
        tiny["peak_fraction_step"] = 0.2
        self.result["cases"][0]["peak_fraction_step"] = 0.6
        rows = self.rows(self.result, other)
        self.assertRegex(rows["tiny", "step"], r" 60\.0 % .* 20\.0 % +30\.0 %$")
        self.assertIn("Another", rows["B", "Another,"])

    def test_missing_is_zero(self):
        other = json.loads(json.dumps(self.result))
        other["cases"] = [case for case in other["cases"] if case["name"] != "rotary"]
        rows = self.rows(self.result, other)
        self.assertRegex(rows["rotary", "forward"], r"missing +- +0\.0 %$")
        # A time without a peak has no efficiency.
        self.assertNotIn("%", rows["start_up", "first_step"])


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
