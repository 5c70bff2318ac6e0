# SPDX-FileCopyrightText: 2026 Kyrtos contributors
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What goes wrong on clusters, done to `kyrtos train`: fault_test.py PROGRAM LAUNCHER…, where the
launcher starts the program on two ranks. KYRTOS_TEST_KILLS and KYRTOS_TEST_DAMAGES say how often
(100 and 200 take some minutes), KYRTOS_TEST_SEED which random ones."""

import contextlib
import os
import random
import re
import resource
import shutil
import signal
import subprocess
import time
import unittest
from pathlib import Path

from train_test import LAUNCHER, PROGRAM, InAFolder

KILLS = int(os.environ.get("KYRTOS_TEST_KILLS", 4))
DAMAGES = int(os.environ.get("KYRTOS_TEST_DAMAGES", 6))
SEED = int(os.environ.get("KYRTOS_TEST_SEED", 1))
PROMPT = 20  # seconds, on a machine that has much else to do
SYNCHRONOUS, ASYNCHRONOUS = (), ("--set", "output.asynchronous=true")
FOREVER = ("--set", "training.steps=1000000000", "--set", "schedule.total_steps=100")


class Faults(InAFolder):
    def setUp(self):
        super().setUp()
        self.run_directory = self.folder / "run"
        self.random = random.Random(SEED)

    def checkpoints(self):
        return sorted((self.run_directory / "checkpoints").glob("step-*.h5"))

    def last_state(self):
        """The last checkpoint, to the byte, and the record but for times."""
        last = self.checkpoints()[-1]
        record = [{key: value for key, value in step.items()
                   if key not in ("seconds", "tokens_per_s")} for step in self.metrics()]
        return last.name, last.read_bytes(), record

    def assert_same_state(self, expected):
        for mine, other in zip(self.last_state(), expected, strict=True):
            self.assertTrue(mine == other)  # without printing either
        self.assertFalse(list(self.run_directory.rglob("*.partial")))

    def start(self, *words, launcher=()):
        return subprocess.Popen([*launcher, PROGRAM, "train", "run.toml", *words], cwd=self.folder,
                                text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def wait_for(self, condition, seconds=60):
        end = time.monotonic() + seconds
        while not condition():
            self.assertLess(time.monotonic(), end)
            time.sleep(0.01)


class DeadRanks(Faults):
    WORDS = ("--set", "training.steps=60", "--set", "output.checkpoint_every=3", "--resume")
    CHECKPOINTS = "written before the steps go on"

    def test_a_killed_rank(self):
        """Kills at all times of a run, from before its first step to its last checkpoint."""
        began = time.monotonic()
        self.train(*self.WORDS, launcher=LAUNCHER)
        length = time.monotonic() - began
        expected = self.last_state()
        shutil.rmtree(self.run_directory)
        kills, slowest, found = 0, 0, 0
        while kills < KILLS:
            process = self.start(*self.WORDS, launcher=LAUNCHER)
            try:
                process.wait(timeout=self.random.uniform(0, length))
            except subprocess.TimeoutExpired:
                slowest = max(slowest, self.kill(process))
                kills += 1
                found += any(self.run_directory.rglob("*.partial"))
            self.assertNotIn("Passed over", process.communicate()[0])
            if process.returncode == 0:
                self.assert_same_state(expected)
                shutil.rmtree(self.run_directory)
        self.assertNotIn("Passed over", self.train(*self.WORDS, launcher=LAUNCHER))
        self.assert_same_state(expected)
        print(f"Checkpoints {self.CHECKPOINTS}: {kills} kills, {found} of them while a file was "
              f"written; the job ended at most {slowest:.1f} s later")

    def kill(self, process):
        """Kills a rank, if there is time. \return seconds until the job had ended."""
        ranks = []
        while not ranks and process.poll() is None:
            ranks = self.ranks()
        rank, number = self.random.choice(ranks or [(None, None)])
        if rank is None:
            return 0
        os.kill(number, signal.SIGKILL)
        began = time.monotonic()
        output = process.communicate(timeout=PROMPT)[0]
        if process.returncode != 0:  # or it had done all before
            if "parameters" in output:  # the run's first line: all had joined
                self.assertRegex(output, rf"rank {rank}\b.*\n?.*[Kk]illed")
            else:  # before, the launcher may only know that one of them failed
                self.assertRegex(output, rf"rank {rank}\b.*\n?.*[Kk]illed|"
                                         r"returned\s+a non-zero exit code")
        self.assertNotIn("Passed over", output)
        return time.monotonic() - began

    def ranks(self):
        """(rank, process id) of those that run here."""
        found = []
        for process in Path("/proc").glob("[0-9]*"):
            try:
                variables = dict(word.split("=", 1) for word in
                                 (process / "environ").read_text(errors="replace").split("\0")
                                 if "=" in word)
                if (process / "exe").samefile(PROGRAM) and (process / "cwd").samefile(self.folder):
                    rank = variables.get("OMPI_COMM_WORLD_RANK") or variables.get("PMI_RANK")
                    found.append((rank, int(process.name)))
            except OSError:
                continue
        return sorted(found)


class DeadRanksBehind(DeadRanks):
    WORDS = (*DeadRanks.WORDS, *ASYNCHRONOUS)
    CHECKPOINTS = "written behind the steps"


class DamagedCheckpoints(Faults):
    def test_truncated_or_with_a_bit_flipped(self):
        words = ("--set", "schedule.total_steps=20", "--set", "output.checkpoint_every=4",
                 "--set", "training.evaluate_every=4")
        self.train(*words, "--set", "training.steps=12")
        healthy = self.folder / "healthy"
        shutil.copytree(self.run_directory, healthy)
        self.train(*words, "--resume")
        expected = self.last_state()
        noticed = 0
        for i in range(DAMAGES):
            shutil.rmtree(self.run_directory)
            shutil.copytree(healthy, self.run_directory)
            newest = self.checkpoints()[-1]
            (self.truncate, self.flip_a_bit)[i % 2](newest)
            log = self.train(*words, "--resume")
            if "Passed over" in log:
                noticed += 1
                self.assertIn(newest.name, log)
                self.assertTrue(newest.with_name(newest.name + ".damaged").exists())
            else:
                self.assertEqual(i % 2, 1)  # a bit that means nothing
            self.assert_same_state(expected)
        print(f"{DAMAGES} damages: {noticed} noticed, {DAMAGES - noticed} of no consequence")

    def truncate(self, file):
        os.truncate(file, self.random.randrange(file.stat().st_size))

    def flip_a_bit(self, file):
        contents = bytearray(file.read_bytes())
        contents[self.random.randrange(len(contents))] ^= 1 << self.random.randrange(8)
        file.write_bytes(contents)


class Disks(Faults):
    def test_a_directory_that_can_not_be_written(self):
        (self.folder / "file").touch()
        for directory in ("file/run", "/proc/kyrtos"):
            self.assertIn(directory, self.train("--set", f"output.directory={directory}", status=1))
        (self.run_directory / "checkpoints").mkdir(parents=True)
        self.run_directory.chmod(0o500)
        if not os.access(self.run_directory, os.W_OK):  # root may
            self.assertIn("run", self.train(status=1))
        self.run_directory.chmod(0o700)

    def test_files_too_long_for_the_limit(self):
        # MPI libraries need files of some megabytes themselves.
        limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (40_000_000, 40_000_000))
        done = subprocess.run([PROGRAM, "train", "run.toml", "--set", "model.width=512"],
                              cwd=self.folder, preexec_fn=limit, capture_output=True, text=True,
                              timeout=60, check=False)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("ulimit -f", done.stderr)
        self.assertNotIn("step ", done.stdout)

    def test_a_disk_that_is_full_for_a_while(self):
        for words in SYNCHRONOUS, ASYNCHRONOUS:
            with self.small_disk():
                process = self.start(*FOREVER, "--set", "output.checkpoint_every=5", *words)
                self.wait_for(self.checkpoints)
                self.fill_the_disk()
                self.wait_for_warning(process)
                (self.run_directory / "ballast").unlink()
                self.line_with(process, "Saved")
                (self.run_directory / "stop").touch()
                log = process.communicate(timeout=60)[0]
                self.assertEqual(process.returncode, 0, log)
                self.assert_complete()

    def test_a_disk_that_stays_full(self):
        """Without room for anything, or for records but not for a checkpoint."""
        for left, words in (0, SYNCHRONOUS), (1 << 16, SYNCHRONOUS), (1 << 16, ASYNCHRONOUS):
            with self.small_disk():
                self.fill_up_for_good(left, *words)

    def fill_up_for_good(self, left, *words):
        process = self.start(*FOREVER, "--set", "output.checkpoint_every=5", *words)
        self.wait_for(self.checkpoints)
        self.fill_the_disk(left)
        # The record may have grown beyond what is left, and be warned of first.
        self.wait_for_warning(process, r"/step-\d+\.h5.*needs .* MB" if left > 0 else "")
        process.send_signal(signal.SIGTERM)
        log = process.communicate(timeout=60)[0]
        self.assertEqual(process.returncode, 1, log)
        self.assertRegex(log, "kyrtos: .*make room")
        self.assertFalse(list(self.run_directory.rglob("*.partial")))
        (self.run_directory / "ballast").unlink()
        self.assertIn("Going on from", self.train("--resume", "--set", "training.steps=200", "--set",
                                                  "schedule.total_steps=100", launcher=LAUNCHER))
        self.assert_complete()

    @contextlib.contextmanager
    def small_disk(self):
        self.run_directory.mkdir(exist_ok=True)
        words = ("mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(self.run_directory))
        if subprocess.run(words, capture_output=True, check=False).returncode != 0:
            self.skipTest("no disk of a chosen size can be mounted here")
        try:
            yield
        finally:
            subprocess.run(("umount", "--lazy", str(self.run_directory)), check=True)

    def fill_the_disk(self, left=0):
        with open(self.run_directory / "ballast", "wb", buffering=0) as ballast:
            for size in (1 << 16, 1 << 8, 1):
                try:
                    while True:
                        ballast.write(bytes(size))
                except OSError:
                    pass
            ballast.truncate(ballast.tell() - left)

    def line_with(self, process, word):
        for line in process.stdout:
            if word in line:
                return line
        raise AssertionError(f"no line with {word}")

    def wait_for_warning(self, process, of=""):
        """Every warning up to the one of this names the fix."""
        warning = ""
        while not (warning and re.search(of, warning)):
            warning = self.line_with(process, "Warning")
            self.assertIn("make room", warning)

    def assert_complete(self):
        steps = [step["step"] for step in self.metrics()]
        self.assertEqual(steps, list(range(1, len(steps) + 1)))
        self.assertEqual(self.checkpoints()[-1].name, f"step-{len(steps):08}.h5")
        for file in self.checkpoints():
            self.run_program("info", str(file), "--verify")


if __name__ == "__main__":
    unittest.main(argv=["fault_test.py"], verbosity=2)
