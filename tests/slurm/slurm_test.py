# SPDX-FileCopyrightText: 2026 Kyrtos contributors
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Runs the batch templates in a SLURM of our own: slurm_test.py PROGRAM. Skipped, with a message,
where there is none."""

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

from cluster import Cluster, Unavailable

PROGRAM = sys.argv[1]
TEMPLATES = Path(__file__).resolve().parents[2] / "apps/slurm"
CONFIG = """
[model]
depth = 2
width = 16
heads = 2
context = 16
[data]
train = "text.txt"
[training]
steps = 1000000000
batch = 4
evaluate_every = 50
[schedule]
peak = 1e-3
warmup_steps = 5
total_steps = 5000
[output]
log_every = 100000
[stop]
time_limit = 200.0
time_reserve = 1.0
"""
SMALL = ("--nodes=1", "--cpus-per-task=1", "--mem=1", "--time=30")
TWO_RANKS = ("--ntasks-per-node=2",)
CLUSTER = None


class Job:
    """One that a template makes of a small run, in a folder of its own."""

    def __init__(self, folder, *options, template="cpu", settings=()):
        self.folder = folder
        folder.mkdir()
        (folder / "run.toml").write_text(CONFIG)
        (folder / "text.txt").write_text(Path(__file__).read_text(encoding="utf-8") * 3,
                                         encoding="utf-8")
        words = [word for setting in settings for word in ("--set", setting)]
        self.id = CLUSTER.run("sbatch", "--parsable", *SMALL, *options,
                              TEMPLATES / f"{template}.sbatch", "run.toml", *words, cwd=folder)
        assert self.id, "sbatch refuses"

    def state(self):
        """PENDING, RUNNING, COMPLETED, … and how often it was requeued."""
        text = CLUSTER.run("scontrol", "--oneliner", "show", "job", self.id)
        return re.search(r"JobState=(\w+)", text)[1], int(re.search(r"Restarts=(\d+)", text)[1])

    def log(self):
        return "".join(file.read_text(encoding="utf-8")
                       for file in sorted(self.folder.glob("kyrtos*.log")))

    def metrics(self, run="runs/run"):
        file = self.folder / run / "metrics.jsonl"
        lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
        return [json.loads(line) for line in lines if line.endswith("}")]

    def wait(self, condition, seconds=90):
        end = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > end:
                raise AssertionError(f"{self.state()}\n{self.log()}\n{CLUSTER.logs()}")
            time.sleep(0.2)

    def wait_for_state(self, name, restarts):
        self.wait(lambda: self.state() == (name, restarts))

    def wait_for_steps(self, restarts):
        """So long that it has taken some steps since it was requeued so often."""
        self.wait_for_state("RUNNING", restarts)
        self.wait(lambda: self.log().count("everything goes to") == restarts + 1)
        steps = len(self.metrics())
        self.wait(lambda: len(self.metrics()) > steps + 5)

    def checkpoints(self, run="runs/run"):
        return sorted(file.name for file in (self.folder / run / "checkpoints").glob("*"))


class Slurm(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.folder = Path(folder.name)
        # SLURM takes up to half a minute to warn, so these two wait while others work.
        cls.warned = [Job(cls.folder / name, "--partition=urgent", "--ntasks-per-node=1",
                          "--time=1", f"--signal={target}USR1@60")
                      for name, target in (("shell", "B:"), ("tasks", ""))]

    def test_1_preempted_three_times(self):
        job = Job(self.folder / "job", *TWO_RANKS)
        job.wait_for_steps(restarts=0)
        CLUSTER.run("scancel", "--signal=USR1", "--batch", job.id)  # the shell, which forwards
        job.wait_for_steps(restarts=1)
        CLUSTER.run("scancel", "--signal=USR1", job.id)  # the tasks
        job.wait_for_steps(restarts=2)
        urgent = CLUSTER.run("sbatch", "--parsable", *SMALL, "--partition=urgent", "--ntasks=14",
                             "--wrap=true", "--output=/dev/null")
        self.assertTrue(urgent)
        job.wait_for_steps(restarts=3)
        (job.folder / "runs/run/stop").touch()
        job.wait_for_state("COMPLETED", 3)

        log = job.log()
        self.assertEqual(re.findall(r"by (SIG\w+)", log), ["SIGUSR1", "SIGUSR1", "SIGTERM"])
        self.assertEqual(re.findall(r"restart (\d)", log), list("0123"))
        steps = len(job.metrics())
        whole = Job(self.folder / "whole", *TWO_RANKS, settings=[f"training.steps={steps}"])
        whole.wait_for_state("COMPLETED", 0)
        self.assertEqual(self.record(job), self.record(whole))
        self.assert_same_vectors(*(one.folder / f"runs/run/checkpoints/step-{steps:08}.h5"
                                   for one in (job, whole)))

    def record(self, job):
        """Without times, and without the loss that is measured after the last step of all."""
        steps = job.metrics()
        steps[-1].pop("validation_loss", None)
        return [{key: value for key, value in step.items()
                 if key not in ("seconds", "tokens_per_s")} for step in steps]

    def assert_same_vectors(self, one, other):
        try:
            import h5py
        except ImportError:
            return
        with h5py.File(one) as a, h5py.File(other) as b:
            names = []
            a.visititems(lambda name, item: names.append(name) if hasattr(item, "shape") else None)
            self.assertGreater(len(names), 30)
            for name in names:
                self.assertEqual(a[name][()].tobytes(), b[name][()].tobytes(), name)

    def test_2_a_dead_rank_ends_the_job(self):
        job = Job(self.folder / "dead", *TWO_RANKS, settings=["output.checkpoint_every=10"])
        job.wait_for_steps(restarts=0)
        os.kill(self.rank(job, 1), signal.SIGKILL)
        job.wait(lambda: job.state()[0] == "FAILED", seconds=15)
        self.assertRegex(job.log(), "task 1: Killed")
        self.assertFalse([name for name in job.checkpoints() if name.endswith(".h5.partial")
                          and name[:-8] in job.checkpoints()])
        again = subprocess.run([PROGRAM, "train", "run.toml", "--set", "training.steps=1",
                                "--resume"], cwd=job.folder, capture_output=True, text=True,
                               timeout=60, check=False)
        self.assertEqual(again.returncode, 0, again.stderr)
        self.assertNotIn("Passed over", again.stdout)

    def rank(self, job, number):
        """The process id of a rank."""
        for process in Path("/proc").glob("[0-9]*"):
            try:
                variables = (process / "environ").read_bytes().split(b"\0")
                program = (process / "exe").resolve().name
            except OSError:
                continue
            if (program == Path(PROGRAM).name and f"SLURM_JOB_ID={job.id}".encode() in variables
                    and f"SLURM_PROCID={number}".encode() in variables):
                return int(process.name)
        raise AssertionError(f"job {job.id} has no rank {number}")

    def test_3_both_styles_of_warning(self):
        for job in self.warned:
            job.wait_for_steps(restarts=1)
            self.assertIn("asked to stop by SIGUSR1", job.log())
            self.assertIn("Going on from", job.log())

    def test_4_a_cancelled_job_saves_and_stays_away(self):
        for job in self.warned:
            CLUSTER.run("scancel", job.id)
            job.wait_for_state("CANCELLED", 1)
            self.assertIn("asked to stop by SIGTERM", job.log())
            self.assertIn(f"step-{len(job.metrics()):08}.h5", job.checkpoints())

    def test_5_a_sweep_requeues_one_run_of_many(self):
        job = Job(self.folder / "sweep", template="array", settings=["training.steps=2000"])
        runs = ["runs/peak-1e-4", "runs/peak-3e-4", "runs/peak-1e-3", "runs/peak-3e-3"]
        job.wait(lambda: len(job.metrics(runs[1])) > 5)
        CLUSTER.run("scancel", "--signal=USR1", f"{job.id}_1")
        job.wait(lambda: all(len(job.metrics(run)) == 2000 for run in runs))
        job.wait(lambda: not CLUSTER.run("squeue", "--noheader", f"--jobs={job.id}"))
        self.assertEqual(job.log().count("restart 1"), 1)

    def test_6_a_rank_for_each_gpu(self):  # of the four that the node says it has
        for name in ("one_gpu_node", "many_gpu_nodes"):
            job = Job(self.folder / name, template=name, settings=["training.steps=3"])
            job.wait_for_state("COMPLETED", 0)
            self.assertEqual(len(job.metrics()), 3)


class Templates(unittest.TestCase):
    def test_the_end_is_the_same_in_all(self):
        ends = {file.read_text(encoding="utf-8").partition("# ---- The same in all templates")[2]
                for file in TEMPLATES.glob("*.sbatch")}
        self.assertEqual(len(ends), 1)
        self.assertIn("scontrol requeue", ends.pop())

    def test_bash_reads_them(self):
        for file in (*TEMPLATES.rglob("*.sbatch"), *TEMPLATES.glob("kyrtos.*")):
            subprocess.run(["bash", "-n", file], check=True)


def main():
    global CLUSTER
    with tempfile.TemporaryDirectory() as folder:
        CLUSTER = Cluster(Path(folder))
        CLUSTER.environment["PATH"] = f"{Path(PROGRAM).parent}:{CLUSTER.environment['PATH']}"
        try:
            CLUSTER.start()
        except Unavailable as reason:
            print(f"Skipped: {reason}")
            return 77
        try:
            tests = unittest.main(argv=[PROGRAM, *sys.argv[2:]], exit=False, verbosity=2)
        finally:
            CLUSTER.stop()
    return 0 if tests.result.wasSuccessful() else 1


if __name__ == "__main__":
    sys.exit(main())
