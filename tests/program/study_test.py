# SPDX-FileCopyrightText: 2026 Kyrtos contributors
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Plans, runs and collects small studies as a user would: study_test.py PROGRAM"""

import json
import math
import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from types import SimpleNamespace

PROGRAM = sys.argv[1]
ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENT = {**os.environ, "KYRTOS_PYTHON": sys.executable}
for name in ("OMP_NUM_THREADS", "OMP_PROC_BIND"):
    ENVIRONMENT.pop(name, None)  # a study shares out the cores
sys.path[:0] = [str(ROOT / "apps/kyrtos"), str(ROOT / "apps/studies")]

try:
    import forks
    import h5py
    import numpy as np

    from study import numbers, plan
    from study.analyses import cures, failures, late_depth, spikes, threshold
    from study.collect import Result, Results
except ImportError as fault:
    print(fault)
    sys.exit(77)

STUDY = """
title = "Two rates"
claim = "The lower rate is better."
[base]
model = { depth = 1, width = 16, heads = 2, context = 16 }
data.train = "text.txt"
training = { steps = 6, batch = 2, evaluate_every = 3, evaluation_batches = 1, clip_norm = 0 }
curvature.enabled = false
[axes]
schedule.peak = [1e-3, 1e-2]
training.seed = [1, 2]
[methods.plain]
[methods.sgd]
optimizer.name = "sgd"
schedule.peak = 1e15
[[measure]]
name = "sharpness"
command = "curvature {run} --top 1 --smallest 0 --max-hvps {n} --out {file} --json"
n = [5, 9]
methods = ["plain"]
[quick]
[bad]
base.model.depth = -1
methods = ["plain"]
[wrong]
methods = ["nobody"]
"""


class InAFolder(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        (self.folder / "two.toml").write_text(STUDY)
        (self.folder / "text.txt").write_text("in the beginning was the word. " * 100)

    def study(self, *words, status=0, **environment):
        done = subprocess.run([PROGRAM, "study", "two.toml", *words], cwd=self.folder, text=True,
                              capture_output=True, timeout=100, env=ENVIRONMENT | environment)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done.stdout + done.stderr


class Program(InAFolder):
    def test_runs_collects_and_goes_on(self):
        said = self.study("--output", "out")
        self.assertIn("6 runs", said)  # a rate that a method sets is no axis for it
        self.assertEqual(said.count("diverged"), 2)
        report = (self.folder / "out/report.md").read_text()
        self.assertTrue(report.startswith("# Two rates (size: quick)\n\n**Claim.** The lower rate"))
        self.assertIn("![", report)
        with h5py.File(self.folder / "out/study.h5") as file:
            self.assertEqual(len(file["cases"]), 6)
            group = file["cases/plain,peak=0.01,seed=2"]
            self.assertEqual(group["steps/loss"].shape, (6,))
            measures = json.loads(group["measures"].asstr()[()])
            self.assertEqual([m["values"]["n"] for m in measures], [5, 9])
            self.assertGreater(measures[0]["found"]["eigenvalues"]["largest"][0]["value"], 0)
        before = {file: file.stat().st_mtime_ns for file in
                  self.folder.glob("out/runs/*/run/metrics.jsonl")}
        one = self.folder / "out/runs/plain,peak=0.001,seed=1"
        (one / "status.json").unlink()  # as if it had been killed just before its end
        again = self.study("--output", "out")
        self.assertIn("plain,peak=0.001,seed=1: finished", again)
        self.assertNotIn("seed=2: finished", again)
        for file, time in before.items():
            if one not in file.parents:
                self.assertEqual(file.stat().st_mtime_ns, time)

    def test_a_failed_run_is_named(self):
        said = self.study("--size", "bad", "--output", "out", status=1)
        self.assertIn("log.txt", said)

    def test_mistakes_are_named(self):
        self.assertIn("no method 'nobody'", self.study("--size", "wrong", status=1))
        self.assertIn("quick, bad, wrong", self.study("--size", "enormous", status=1))
        self.assertIn("unset it", self.study("--output", "out", status=1, OMP_PROC_BIND="spread"))
        self.study("--case", "0", "--output", "out")
        other = STUDY.replace("steps = 6", "steps = 7")
        (self.folder / "two.toml").write_text(other)
        self.assertIn("another plan", self.study("--case", "0", "--output", "out", status=1))

    def test_job_array(self):
        said = self.study("--slurm", "jobs")
        self.assertIn("6 tasks", said)
        script = (self.folder / "jobs/array.sh").read_text()
        self.assertIn("--array=0-5", script)
        command = script.splitlines()[-1].replace("exec ", "")
        done = subprocess.run(["sh", "-c", command], cwd=self.folder, text=True,
                              capture_output=True, env={**ENVIRONMENT, "SLURM_ARRAY_TASK_ID": "3"})
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("plain,peak=0.01,seed=2: finished", done.stdout)


def result(loss, validation=None, exit=0, seed=1, peak=1e-3, **columns):
    loss = np.asarray(loss, float)
    known = np.full(len(loss), np.nan)
    known[-1] = loss[-1] if validation is None else validation
    return Result("case", "plain", {"schedule.peak": peak, "training.seed": seed}, {}, exit, 1, 1,
                  [], {"step": np.arange(1.0, len(loss) + 1), "loss": loss,
                       "validation_loss": known, **columns})


class Numbers(unittest.TestCase):
    def test_surges_are_found_once(self):
        random = np.random.default_rng(1)
        values = 3 + 0.01 * random.standard_normal(200)
        self.assertEqual(len(numbers.surges(values)), 0)
        values[100:104] += 1
        values[160] += 0.5
        self.assertEqual(list(numbers.surges(values)), [100, 160])
        self.assertEqual(list(numbers.surges(values, least=0.7)), [100])

    def test_mean_and_error(self):
        middle, error, count = numbers.mean([1, 2, 3, float("inf"), None])
        self.assertEqual((middle, count), (2, 3))
        self.assertAlmostEqual(error, 1 / 3**0.5)

    def test_divergence(self):
        self.assertTrue(numbers.diverged(result([5, 4, 3], exit=3)))
        self.assertTrue(numbers.diverged(result([5, 4, 6])))
        self.assertFalse(numbers.diverged(result([5, 4, 3])))

    def test_sensitivity_is_the_mean_excess_with_divergence_at_the_start(self):
        groups = {1e-3: [result([5, 2.0])], 1e-2: [result([5, 1.0])], 1e-1: [result([5, 9], exit=3)]}
        self.assertAlmostEqual(cures.sensitivity(groups)[0], (2 + 1 + 5) / 3 - 1)
        self.assertEqual(cures.best_rate(groups), 1e-2)

    def test_spikes_recover_and_count_once(self):
        loss = np.r_[3.0:1.0:50j, np.full(50, 0.9)]
        loss[60:63] = [1.3, 1.5, 2.0]  # past 0.9 + 0.5 at 61, halfway back at 63
        self.assertEqual(numbers.recovered_spikes(loss), [(61, 63)])
        loss[60:63] = [1.5, 1.3, 1.5]  # not halfway back in between
        self.assertEqual(numbers.recovered_spikes(loss), [(60, 63)])
        low = np.full(40, 0.02)
        low[20], low[30] = 0.19, 0.21  # the bar is ten times 0.02
        self.assertEqual(numbers.recovered_spikes(low), [(30, 31)])
        low[30:] = 1
        self.assertEqual(numbers.recovered_spikes(low), [])  # it stays there

    def test_a_bootstrap_covers_the_mean(self):
        random = np.random.default_rng(3)
        covered = 0
        for seed in range(200):
            values = random.standard_normal(30)
            _, low, high = numbers.bootstrap(lambda runs: values[runs].mean(), 30, 200, seed)
            covered += low < 0 < high
        self.assertGreater(covered, 174)  # 200 · 0.92 ± 0.02 at 30 values
        self.assertLess(covered, 200)

    def test_exact_intervals_of_shares(self):
        # None of five: the upper limit p has (1 − p)⁵ = 0.025.
        value, low, high = numbers.share(0, 5)
        self.assertEqual((value, low), (0, 0))
        self.assertAlmostEqual(high, 1 - 0.025**0.2)
        self.assertAlmostEqual(numbers.share(5, 5)[1], 0.025**0.2)
        _, low, high = numbers.share(3, 10)  # tails of 2.5 % each
        tail = lambda p, counts: sum(math.comb(10, k) * p**k * (1 - p)**(10 - k) for k in counts)
        self.assertAlmostEqual(tail(low, range(3, 11)), 0.025)
        self.assertAlmostEqual(tail(high, range(4)), 0.025)

    def test_area_under_the_curve(self):
        self.assertEqual(spikes.area_under_curve([3, 4], [1, 2]), 1)
        self.assertEqual(spikes.area_under_curve([1, 2], [1, 2]), 0.5)
        self.assertEqual(spikes.area_under_curve([1], [2, 3, 0, 0]), 0.5)

    def test_windows_before_spikes_and_calm_ones(self):
        loss = np.full(600, 1.0)
        loss[300:303] = 3
        before, calm = spikes.windows_of(result(loss))
        self.assertEqual(before, [300 - spikes.HORIZON])
        for begin in calm:
            self.assertTrue(begin + spikes.HORIZON <= 200 or begin >= 403)
        values = np.full(600, np.nan)
        values[280:300:2] = [0.5, 0.9, 1.1, 0.8, 1.2, 1.3, 0.9, 1.4, 1.5, 1.6]
        self.assertEqual(spikes.level(values, 280), 1.4)
        self.assertEqual(spikes.lead(values, 300), 6)

    def test_validation_at_a_budget(self):
        case = result([4, 3, 2], validation=2)
        case.columns["validation_loss"][0] = 4
        self.assertEqual(numbers.validation_at(case, 20, np.array([10, 20, 30])), 3)
        self.assertTrue(np.isnan(numbers.validation_at(case, 40, np.array([10, 20, 30]))))


def with_method(method, case, **config):
    case.method = method
    case.config = {"training.batch": 4, **config}
    return case


class Verdicts(unittest.TestCase):
    """Each word of a verdict comes where its rule, fixed before the runs, says."""

    OPTIONS = {"plain": "plain", "grown": "grow", "half": "half", "random": "random",
               "cures": ["clip"]}

    def failures(self, failed, losses=None):
        """The verdict where so many of ten runs of each method failed."""
        losses = {"plain": 2.0, "grow": 2.0, "clip": 2.1, "half": 2.5} | (losses or {})
        cases = []
        for method, count in failed.items():
            for peak, bad in ((1e-4, 0), (1e-3, count)):
                for i in range(10):
                    loss = [5, losses.get(method, 2.2) + 0.001 * i]
                    case = result(loss, exit=3 if i < bad else 0, seed=i, peak=peak)
                    cases.append(with_method(method, case))
        results = Results({}, cases)
        of = {name: failures.Rates(results, methods, [1e-4, 1e-3])
              for name, methods in failures.groups_of(results, self.OPTIONS).items()}
        return failures.judge(of, self.OPTIONS)[:2]

    def test_of_failures(self):
        told = {"plain": 10, "grow": 0, "half": 5, "random": 5, "clip": 5}
        self.assertEqual(self.failures(told)[0], "yes")
        self.assertEqual(self.failures(told | {"plain": 7})[0], "cannot be said")
        self.assertEqual(self.failures(told | {"grow": 6})[0], "no")
        self.assertIn("overlap", self.failures(told | {"plain": 8, "grow": 3})[1])
        self.assertIn("half depth or random", self.failures(told | {"random": 0})[1])
        self.assertIn("half of them", self.failures(told, {"half": 2.0})[1])
        self.assertEqual(self.failures(told, {"grow": 2.2, "clip": 2.3})[0], "in part")

    def late(self, plain, half, grown):
        def of(counts):
            cases = []
            for count in counts:
                loss = np.full(1000, 1.0)
                loss[100:100 + 20 * count:20] = 3
                cases.append(result(loss, active_depth=np.full(1000, 4.0)))
            return late_depth.Method(cases)
        page = SimpleNamespace(answer=None)
        late_depth.answer(page, {"plain": of(plain), "half": of(half), "grown": of(grown)})
        return page.answer.agrees

    def test_of_late_depth(self):
        self.assertEqual(self.late([5, 6, 5, 6], [5, 5, 5, 5], [1, 2, 1, 2]), "yes")
        self.assertEqual(self.late([5, 6, 5, 6], [1, 1, 2, 2], [1, 2, 1, 2]), "in part")
        self.assertEqual(self.late([5, 6, 5, 6], [5, 5, 5, 5], [5, 6, 6, 5]), "no")
        self.assertEqual(self.late([1, 2, 1, 2], [5, 5, 5, 5], [0, 0, 0, 0]), "cannot be said")

    def batch(self, size, values, seeds=(1, 2, 3)):
        cases = [with_method(f"batch-{size}", result(np.ones(400), seed=seed, learning_rate=np.full(
            400, 1e-3), **{"lambda": np.asarray(values) * 1e3 * (1 + 0.02 * seed),
                           "lambda_held_out": np.asarray(values) * 1e3}),
                             **{"training.batch": size}) for seed in seeds]
        return threshold.Batch(cases)

    def test_of_thresholds(self):
        page = SimpleNamespace(answer=None)
        def agrees(*values):
            threshold.answer(page, [self.batch(4 * (i + 1), v) for i, v in enumerate(values)])
            return page.answer.agrees
        flat = lambda value: np.full(400, value)
        self.assertEqual(agrees(flat(2.1), flat(35)), "yes")
        self.assertEqual(agrees(flat(9), flat(35)), "in part")
        self.assertEqual(agrees(flat(9), flat(9)), "no")
        self.assertEqual(agrees(flat(2.1), np.geomspace(1, 40, 400)), "cannot be said")
        threshold.answer(page, [self.batch(4, flat(2)), self.batch(64, flat(38), seeds=(1, 2))])
        self.assertEqual(page.answer.agrees, "cannot be said")


    def fork(self, ratio, came):
        return {"ratio": [ratio] * 100, "loss": [1.0] * 100, "spike": 50 if came else None}

    def forks(self, lowered, kept, chance=6):
        """The verdict on six runs of a spike, where changes bring λη to `lowered` and keep so many."""
        runs = [[{name: self.fork(lowered, i < kept) if name in forks.CHANGES
                  else self.fork(1.0, i < chance) for name in forks.FORKS}] for i in range(6)]
        return forks.verdict({name: forks.Outcome(name, runs) for name in forks.FORKS}, 6)

    def test_of_forks(self):
        self.assertEqual(self.forks(0.5, kept=0), "yes")
        self.assertEqual(self.forks(0.5, kept=6), "no")
        self.assertEqual(self.forks(0.5, kept=3), "in part")
        self.assertEqual(self.forks(0.5, kept=2, chance=2), "no")  # chance removes as many
        self.assertEqual(self.forks(1.0, kept=0), "cannot be said")

    def test_a_fork_spikes_by_the_bar_of_its_run(self):
        self.assertEqual(forks.first_spike([1.0, 1.4, 1.51, 3], 1.0), 2)
        self.assertEqual(forks.first_spike([0.9, 1.45], 1.0), 1)  # the lowest fell to 0.9
        self.assertIsNone(forks.first_spike([0.03, 0.29], 0.03))
        self.assertEqual(forks.first_spike([0.03, math.nan], 0.03), 1)
        loss = np.full(400, 1.0)
        loss[[100, 130, 300]] = 3  # 130 has no calm way
        self.assertEqual(forks.spikes_of(loss, 9, 400), [100, 300])
        self.assertEqual(forks.spikes_of(loss, 9, 200), [100])


class Plans(InAFolder):
    def test_ready_studies_are_plans_that_the_program_knows(self):
        known = subprocess.run([PROGRAM, "train", "--help-config"], text=True,
                               capture_output=True).stdout
        keys, section = {"model.preset"}, ""
        for line in known.splitlines():
            if line.startswith("["):
                section = line.strip("[]")
            elif " = " in line and not line.startswith("#"):
                keys.add(f"{section}.{line.split(' = ')[0]}")
        files = sorted((ROOT / "apps/studies").glob("*.toml"))
        self.assertEqual(len(files), 10)
        for file in files:
            for size in ("quick", "full"):
                study = plan.load(file, size, self.folder, str(self.folder / "text.txt"))
                self.assertEqual(len({case.folder for case in study.cases}), len(study.cases))
                for case in study.cases:
                    self.assertLessEqual(set(case.config), keys, case.name)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
