# SPDX-FileCopyrightText: 2026 Kyrtos contributors
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Runs `kyrtos train`, `sample` and `hvp` as a user would: train_test.py PROGRAM [LAUNCHER…], where
the launcher starts the program on two ranks."""

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

PROGRAM, *LAUNCHER = sys.argv[1:]
ROOT = Path(__file__).resolve().parents[2]
CONFIG = """
[model]
depth = 2
width = 16
heads = 2
context = 16
[data]
train = "text.txt"
[training]
steps = 20
batch = 4
evaluate_every = 10
[schedule]
peak = 3e-3
warmup_steps = 5
[output]
directory = "run"
log_every = 5
"""


class InAFolder(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        (self.folder / "run.toml").write_text(CONFIG)
        words = (ROOT / "LICENSE").read_text(encoding="utf-8")
        (self.folder / "text.txt").write_text(words * 3, encoding="utf-8")

    def run_program(self, *words, status=0, launcher=(), **environment):
        done = subprocess.run([*launcher, PROGRAM, *words], cwd=self.folder, capture_output=True,
                              text=True, encoding="utf-8", timeout=100,
                              env={**os.environ, **environment})
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done.stderr if status in (1, 2) else done.stdout

    def train(self, *words, status=0, launcher=()):
        return self.run_program("train", "run.toml", *words, status=status, launcher=launcher)

    def metrics(self, run="run"):
        lines = (self.folder / run / "metrics.jsonl").read_text().splitlines()
        return [json.loads(line) for line in lines]


class Train(InAFolder):
    def test_log_and_record(self):
        log = self.train()
        self.assertNotIn("\r", log)  # a batch log, not a terminal
        self.assertRegex(log, r"step 20/20  loss \d\.\d+  validation \d\.\d+ .*tokens/s.*% of peak")
        self.assertEqual(len(re.findall(r"step \d+/20", log)), 4)
        steps = self.metrics()
        self.assertEqual([step["step"] for step in steps], list(range(1, 21)))
        self.assertLess(steps[-1]["loss"], steps[0]["loss"])
        for key in ("gradient_norm", "learning_rate", "active_depth", "hvps", "quality",
                    "tokens_per_s", "seconds"):
            self.assertIn(key, steps[-1])
        self.assertIn("validation_loss", steps[9])

    def test_profile(self):
        log = self.train("--profile", "--set", "training.steps=3")
        self.assertRegex(log, r"training step: .* mean of 2\n")  # the first warms up
        for row in ("linear +backward", "attention +tangent_backward", "adamw +update",
                    "no layer explains"):
            self.assertRegex(log, row)

    def test_the_same_on_two_ranks(self):
        self.train()
        self.train("--set", "output.directory=two", launcher=LAUNCHER)
        for one, two in zip(self.metrics(), self.metrics("two"), strict=True):
            self.assertAlmostEqual(one["loss"], two["loss"], delta=1e-4)

    def test_resume_and_refusal(self):
        self.train("--set", "training.steps=8", "--set", "schedule.total_steps=20")
        self.assertIn("--resume", self.train(status=1))
        log = self.train("--resume")
        self.assertIn("step-00000008.h5 at step 8", log)
        self.train("--set", "output.directory=whole")
        self.assertEqual([step["loss"] for step in self.metrics()],
                         [step["loss"] for step in self.metrics("whole")])

    def test_a_run_is_what_its_configuration_says(self):
        begin = ("--set", "training.steps=8", "--set", "schedule.total_steps=20")
        self.train(*begin)
        first = (self.folder / "run/config.toml").read_bytes()
        resume = lambda *words, **more: self.train(*begin, "--resume", *words, **more)
        for setting in ("model.heads=4", "model.causal=false", "optimizer.name=sgd"):
            told = resume("--set", setting, "--allow-change", setting.split(".")[0], status=1)
            self.assertRegex(told, rf"(?s)step-00000008.h5: .*{setting.split('=')[0]} was \S+ and is ")
        told = resume("--set", "training.seed=2", "--set", "training.batch=2", status=1)
        self.assertIn("--allow-change", told)
        self.assertRegex(told, r"\n  training.batch was 4 and is 2 now\n  training.seed was 1 and is 2")
        self.assertEqual(len(self.metrics()), 8)
        text = (self.folder / "text.txt").read_bytes()
        (self.folder / "text.txt").write_bytes(text[:-1])
        self.assertIn("the content of data.train was", resume(status=1))
        self.assertIn("did you mean 'data.train'", resume("--allow-change", "data.tarin", status=1))
        self.run_program("train", "run.toml", "--allow-change", "data", status=2)  # not a resume
        log = resume("--set", "training.steps=9", "--set", "training.seed=2", "--set",
                     "output.log_every=1", "--allow-change", "data", "--allow-change",
                     "training.seed")
        self.assertIn("Changed: training.seed was 1 and is 2 now", log)
        self.assertEqual((self.folder / "run/config.toml").read_bytes(), first)
        facts = json.loads(self.run_program("info", "run", "--json"))
        self.assertEqual(facts["resumes"][0]["after_step"], 8)
        self.assertIn("training.seed was 1 and is 2 now", facts["resumes"][0]["changes"])

    def test_info_has_every_setting(self):
        settings = ("model.norm_epsilon=1e-3", "model.positions=rotary", "model.bias=false",
                    "model.rotary_base=500.0", "model.head_size=16", "optimizer.beta2=0.9",
                    "parallel.bucket_bytes=1000", "training.seed=3", "training.steps=1")
        self.train(*(word for setting in settings for word in ("--set", setting)))
        for name in ("run", "run/checkpoints/step-00000001.h5"):
            facts = json.loads(self.run_program("info", name, "--json"))
            for key, value in (("norm_epsilon", 1e-3), ("bias", False), ("rotary_base", 500.0),
                               ("head_size", 16), ("soft_cap", 0)):
                self.assertEqual(facts["model"][key], value)
            for key, value in (("optimizer.beta2", 0.9), ("parallel.bucket_bytes", 1000),
                               ("training.seed", 3), ("data.train", ["text.txt"])):
                self.assertEqual(facts["settings"][key], value)
            self.assertNotIn("optimizer.beta1", facts["settings"])
            self.assertIn("training.seed: 3\n", self.run_program("info", name))

    def test_one_run_a_directory(self):
        words = ("--set", "training.steps=1000000", "--resume")
        first = subprocess.Popen([PROGRAM, "train", "run.toml", *words], cwd=self.folder,
                                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        record = self.folder / "run/metrics.jsonl"
        while not (record.exists() and record.stat().st_size > 1000):
            self.assertIsNone(first.poll())
            time.sleep(0.05)
        for launcher in (), LAUNCHER:
            told = self.train(*words, status=1, launcher=launcher)
            self.assertRegex(told, rf"run/lock: another run has .* process {first.pid} on \S+")
            self.assertEqual(told.count("another run"), 1)
        first.kill()
        first.wait()
        log = self.train("--set", "training.steps=20", "--resume")
        self.assertRegex(log, rf"run/lock: took over the lock of process {first.pid} .*no more\n")
        self.assertEqual([step["step"] for step in self.metrics()], list(range(1, 21)))
        self.assertFalse((self.folder / "run/lock").exists())

    def test_a_signal_leaves_a_checkpoint(self):
        for word in (signal.SIGTERM, signal.SIGINT):
            directory = f"run-{word.name}"
            process = subprocess.Popen(
                [PROGRAM, "train", "run.toml", "--set", "training.steps=1000000", "--set",
                 f"output.directory={directory}"], cwd=self.folder, stdout=subprocess.DEVNULL)
            record = self.folder / directory / "metrics.jsonl"
            for _ in range(600):
                if record.exists() and record.stat().st_size > 1000:
                    break
                time.sleep(0.05)
            process.send_signal(word)
            self.assertEqual(process.wait(timeout=60), 75)
            last = self.metrics(directory)[-1]["step"]
            self.assertTrue((self.folder / directory / f"checkpoints/step-{last:08}.h5").exists())

    def test_signals_in_the_midst_of_products(self):
        # One long step of many small products; each signal meets one of them.
        process = subprocess.Popen(
            [PROGRAM, "train", "run.toml", "--set", "model.width=32", "--set", "model.context=32",
             "--set", "training.batch=20000", "--set", "training.micro_batch=4", "--set",
             "curvature.enabled=false", "--set", "training.evaluate_every=0"],
            cwd=self.folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            encoding="utf-8", env={**os.environ, "OMP_NUM_THREADS": "1"})
        self.assertIn("parameters", process.stdout.readline())
        for _ in range(500):
            time.sleep(0.001)
            process.send_signal(signal.SIGTERM)
        log = process.communicate(timeout=100)[0]
        self.assertEqual(process.returncode, 75, log)
        self.assertIn("asked to stop by SIGTERM", log)

    def test_a_signal_to_the_launcher(self):
        process = subprocess.Popen(
            [*LAUNCHER, PROGRAM, "train", "run.toml", "--set", "training.steps=1000000"],
            cwd=self.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        record = self.folder / "run/metrics.jsonl"
        for _ in range(600):
            if record.exists() and record.stat().st_size > 1000:
                break
            time.sleep(0.05)
        process.send_signal(signal.SIGUSR1)  # mpirun forwards it
        self.assertEqual(process.wait(timeout=60), 75)
        last = self.metrics()[-1]["step"]
        self.assertTrue((self.folder / f"run/checkpoints/step-{last:08}.h5").exists())

    def test_divergence(self):
        log = self.train("--set", "optimizer.name=sgd", "--set", "schedule.peak=1e15", "--set",
                         "training.clip_norm=0", "--set", "curvature.enabled=false", status=3)
        self.assertIn("not finite", log)
        self.assertTrue(list((self.folder / "run/checkpoints").glob("step-*.h5")))

    def test_a_check_of_the_sharpness(self):
        check = ("--set", "curvature.check_every=10", "--set", "curvature.probe=fixed",
                 "--set", "curvature.precision=tf32")
        log = self.train(*check)
        self.assertEqual(len(re.findall(r"  held out \S+ ± \S+  rounding \S+ %  ", log)), 2, log)
        steps = self.metrics()
        keys = {"lambda_held_out", "lambda_held_out_error", "precision_error", "product_error"}
        for step in steps:
            self.assertEqual(keys & set(step), keys if step["step"] % 10 == 0 else set())
        self.assertGreaterEqual(steps[9]["hvps"], 4 + 1 + 1)
        plans = [json.loads(self.run_program("plan", "run.toml", "--flops", "1e10", "--json",
                                             *words)) for words in ((), check)]
        self.assertEqual([plan["full"]["check_products"] for plan in plans], [0, 0.5])
        self.assertIn("checks", self.run_program("plan", "run.toml", "--flops", "1e10", *check))

    def test_critical_sharpness(self):
        self.train("--set", "curvature.method=critical")
        self.assertGreater(self.metrics()[-1]["lambda"], 0)

    def test_mistakes_are_named(self):
        self.assertIn("did you mean 'model.depth'", self.train("--set", "model.dept=3", status=1))
        self.assertIn("data.train", self.train("--set", "data.train=[]", status=1))
        self.assertIn("nowhere.txt", self.train("--set", "data.train=nowhere.txt", status=1))
        self.assertIn("since 1970", self.run_program("train", "run.toml", status=1,
                                                     KYRTOS_END_TIME="1764547200000"))
        self.run_program("train", "absent.toml", status=2)
        self.run_program("trian", status=2)
        self.run_program(status=2)
        self.assertIn("warmup_steps", self.run_program("train", "--help-config"))
        self.assertIn("Exit codes", self.run_program("--help"))


class PlanForADevice(InAFolder):
    DEVICES = ROOT / "apps/devices"

    def plan(self, device, *words, status=0):
        return self.run_program("plan", "run.toml", "--device", str(device), *words, status=status)

    def changed(self, old, new):
        text = (self.DEVICES / "h200.toml").read_text(encoding="utf-8")
        self.assertIn(old, text)
        (self.folder / "device.toml").write_text(text.replace(old, new), encoding="utf-8")
        return "device.toml"

    def test_every_device(self):
        for device in sorted(self.DEVICES.glob("*.toml")):
            predicted = json.loads(self.plan(device, "--json"))["predicted"]
            for operation in ("step", "product", "tracked_step"):
                times = predicted[operation]
                classes = times["classes"].values()
                self.assertAlmostEqual(sum(one["seconds"] for one in classes) + times["messages_s"],
                                       times["seconds"])
                self.assertGreater(times["classes"]["linear layers"]["matrix_flops"], 0)
            self.assertGreater(predicted["tracked_step"]["seconds"], predicted["step"]["seconds"])
        table = self.plan(device)
        self.assertRegex(table, r"norms, activations .* %\n")

    def test_more_bandwidth_helps_what_memory_limits(self):
        seconds = [json.loads(self.plan(device, "--json"))["predicted"]["step"]["classes"]
                   for device in (self.DEVICES / "h200.toml",
                                  self.changed("bandwidth = 4.8e12", "bandwidth = 4.8e9"))]
        moved = seconds[0]["optimizer"]["bytes"]
        self.assertAlmostEqual(seconds[1]["optimizer"]["seconds"] - seconds[0]["optimizer"]["seconds"],
                               moved * (1 / 4.8e9 - 1 / 4.8e12) / 0.85, delta=1e-9)

    def test_mistakes_are_named(self):
        told = self.plan(self.changed("seconds = 4e-6  # assumed", ""), status=1)
        self.assertRegex(told, "device.toml: launch.seconds is missing; give it a number from 0 on")
        told = self.plan(self.changed("latency", "latencies"), status=1)
        self.assertRegex(told, r"device.toml:\d+: unknown key 'link.latencies'.*'link.latency'")
        told = self.plan(self.changed("share = 0.7", "share = 70"), status=1)
        self.assertRegex(told, r"device.toml:\d+: products.share must be a number above 0 to 1")
        words = ("--set", "training.precision=bf16")
        told = self.plan(self.changed("bf16", "# bf16"), *words, status=1)
        self.assertIn("products.bf16", told)
        self.run_program("plan", "run.toml", "--device", "absent.toml", status=2)


class RoundedFactors(InAFolder):
    OLD = {"DNNL_MAX_CPU_ISA": "AVX2"}  # what oneDNN then takes the processor for

    def test_where_there_is_none(self):
        words = ("train", "run.toml", "--set", "training.precision=bf16")
        told = self.run_program(*words, status=1, **self.OLD)
        self.assertIn("training.precision", told)
        self.assertIn("choose float32", told)
        facts = json.loads(self.run_program("info", "--json", **self.OLD))
        self.assertNotEqual(facts["bf16_products"], "there")
        # A run in bfloat16 may be looked at in another precision anywhere, and planned.
        plan = ("plan", "run.toml", "--set", "training.precision=bf16", "--json")
        self.assertTrue(json.loads(self.run_program(*plan, **self.OLD))["fits"])

    def check_training(self, precision):
        self.train()
        exact = self.metrics()
        self.train("--set", f"training.precision={precision}",
                   "--set", f"output.directory={precision}")
        rounded = self.metrics(precision)
        self.assertNotEqual(rounded[-1]["loss"], exact[-1]["loss"])
        self.assertAlmostEqual(rounded[-1]["loss"], exact[-1]["loss"], delta=0.01)
        largest = [json.loads(self.run_program("curvature", precision, "--precision", used,
                                               "--top", "1", "--smallest", "0", "--json"))
                   ["eigenvalues"]["largest"][0]["value"] for used in ("float32", precision)]
        self.assertLess(abs(largest[1] / largest[0] - 1), 0.02)

    def test_bf16(self):
        if json.loads(self.run_program("info", "--json"))["bf16_products"] != "there":
            self.skipTest("needs a processor with bfloat16")
        self.check_training("bf16")

    def test_tf32(self):
        self.check_training("tf32")


class AfterTraining(InAFolder):
    def test_sample(self):
        self.train()
        words = ("sample", "run", "--length", "30", "--prompt", "import ")
        once = self.run_program(*words, "--temperature", "0")
        self.assertTrue(once.startswith("import "))
        self.assertEqual(once, self.run_program(*words, "--top-k", "1"))
        self.assertNotEqual(once, self.run_program(*words, "--temperature", "5"))

    def test_hvp(self):
        try:
            import h5py
            import numpy
        except ImportError:
            self.skipTest("needs h5py")
        self.train()
        checkpoint = next((self.folder / "run/checkpoints").glob("*.h5"))
        random = numpy.random.default_rng(1)
        with h5py.File(checkpoint) as file:
            names = list(file["parameters"])
            vectors = [{name: random.standard_normal(file["parameters"][name].shape)
                        for name in names} for _ in range(2)]
        with h5py.File(self.folder / "B.h5", "w") as file:
            file["tokens"] = random.integers(0, 256, (6, 17)).astype("int32")
        products, losses = [], []
        for i, launcher in enumerate(((), LAUNCHER)):
            with h5py.File(self.folder / "V.h5", "w") as file:
                for name, value in vectors[i].items():
                    file[name] = value
            self.run_program("hvp", "--checkpoint", "run", "--batch", "B.h5", "--vector", "V.h5",
                             "--out", "O.h5", "--precision", "float64",
                             *("--recompute", "--product-only") * i, launcher=launcher)
            with h5py.File(self.folder / "O.h5") as file:
                products.append({name: file["hvp"][name][()] for name in names})
                losses.append(file["loss"][()])
        self.assertAlmostEqual(losses[0], losses[1], delta=1e-12)
        forms = [sum(numpy.vdot(vectors[1 - i][name], products[i][name]) for name in names)
                 for i in range(2)]  # <v, Hu> = <u, Hv>
        self.assertAlmostEqual(forms[0], forms[1], delta=1e-9 * abs(forms[0]))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
