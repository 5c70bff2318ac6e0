# SPDX-FileCopyrightText: 2026 Kyrtos contributors
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Terminals, pipes and signals: terminal_test.py PROGRAM [LAUNCHER…]."""

import fcntl
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
import time
import unittest

from train_test import PROGRAM, InAFolder

try:
    import h5py
    import numpy
except ImportError:
    h5py = None

FOREVER = ("--set", "training.steps=1000000", "--set", "schedule.total_steps=100")


class Terminal(InAFolder):
    def lines_at(self, columns):
        """What `kyrtos train` says on a terminal of so many columns."""
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        process = subprocess.Popen(
            [PROGRAM, "train", "run.toml", "--set", f"output.directory=at-{columns}", "--set",
             "training.steps=60"], cwd=self.folder, stdout=theirs, stderr=theirs)
        os.close(theirs)
        text = b""
        try:
            while piece := os.read(ours, 65536):
                text += piece
        except OSError:
            pass  # the other end is closed
        os.close(ours)
        self.assertEqual(process.wait(timeout=60), 0, text)
        lines = re.split(r"\r\x1b\[K|\r|\n", text.decode())
        return [line for line in lines if line.startswith("step ")]

    def test_the_status_line_fits(self):
        for columns in (80, 40, 30):
            lines = self.lines_at(columns)
            self.assertGreater(len(lines), 2)
            for line in lines:
                self.assertLess(len(line), columns)
                self.assertRegex(line, r"^step \d+/60  loss \d")
        self.assertTrue(any("λη/threshold" in line for line in self.lines_at(81)))


class Endings(InAFolder):
    def start(self, *words, **how):
        process = subprocess.Popen([PROGRAM, "train", "run.toml", *FOREVER, *words],
                                   cwd=self.folder, stderr=subprocess.DEVNULL, **how)
        record = self.folder / "run/metrics.jsonl"
        end = time.monotonic() + 60
        while not (record.exists() and record.stat().st_size > 1000):
            self.assertLess(time.monotonic(), end)
            time.sleep(0.02)
        return process

    def assert_saved(self, process):
        self.assertEqual(process.wait(timeout=60), 75)
        last = self.metrics()[-1]["step"]
        self.assertTrue((self.folder / f"run/checkpoints/step-{last:08}.h5").exists())

    def test_a_closed_terminal(self):
        process = self.start(stdout=subprocess.DEVNULL)
        process.send_signal(signal.SIGHUP)
        self.assert_saved(process)

    def test_nohup(self):
        process = self.start(stdout=subprocess.DEVNULL,
                             preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
        process.send_signal(signal.SIGHUP)
        time.sleep(0.3)
        self.assertIsNone(process.poll())
        process.send_signal(signal.SIGTERM)
        self.assert_saved(process)

    def test_a_closed_pipe(self):
        for ignored in (False, True):
            with self.subTest(ignored=ignored):
                action = signal.SIG_IGN if ignored else signal.SIG_DFL
                process = self.start("--set", "output.log_every=1", stdout=subprocess.PIPE,
                                     restore_signals=False,
                                     preexec_fn=lambda: signal.signal(signal.SIGPIPE, action))
                process.stdout.close()
                self.assert_saved(process)
                subprocess.run(["rm", "-r", self.folder / "run"], check=True)


class BesideOthers(InAFolder):
    """Two cores, with a busy process on each."""

    CHOICES = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME", "KMP_LIBRARY")

    def setUp(self):
        super().setUp()
        cores = sorted(os.sched_getaffinity(0))[:2]
        if len(cores) < 2:
            self.skipTest("needs two cores")
        self.bind = lambda: os.sched_setaffinity(0, cores)
        for core in cores:
            self.keep(subprocess.Popen([sys.executable, "-c", "while True: pass"],
                                       preexec_fn=lambda: os.sched_setaffinity(0, [core])))

    def keep(self, process):
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def start(self, name, **choice):
        environment = {k: v for k, v in os.environ.items() if k not in self.CHOICES}
        environment |= {"OMP_NUM_THREADS": "2", **choice}
        return self.keep(subprocess.Popen(
            [PROGRAM, "train", "run.toml", *FOREVER, "--set", f"output.directory={name}"],
            cwd=self.folder, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            preexec_fn=self.bind))

    def test_sleeping_threads_shorten_the_waiting(self):
        """One thread looks, and two that sleep make more of OpenMP's threads than cores."""
        def threads(process):
            return len(os.listdir(f"/proc/{process.pid}/task"))

        chosen, left = self.start("chosen", OMP_WAIT_POLICY="passive"), self.start("left")
        records = [self.folder / name / "metrics.jsonl" for name in ("chosen", "left")]
        end = time.monotonic() + 60
        while not (all(record.exists() and record.stat().st_size > 1000 for record in records)
                   and threads(left) == threads(chosen) + 3):
            self.assertLess(time.monotonic(), end)
            time.sleep(0.02)


@unittest.skipUnless(h5py, "needs h5py")
class Characters(InAFolder):
    def model_that_says(self, text):
        """A model without blocks, of which each position has its own feature and so its byte."""
        size = len(text) + 1
        head = numpy.zeros((256, size), "float32")
        head[list(text), numpy.arange(len(text))] = 1
        with h5py.File(self.folder / "speaker.h5", "w") as file:
            file.attrs["format"], file.attrs["version"] = "kyrtos checkpoint", 1
            file.attrs["config"] = (f"[model]\ndepth = 0\nwidth = {size}\nheads = 1\n"
                                    f"context = {size}\ntied = false\n")
            for name, value in {"embedding.token.weight": numpy.zeros((256, size)),
                                "embedding.position.weight": numpy.eye(size),
                                "final_norm.weight": numpy.ones(size),
                                "final_norm.bias": numpy.zeros(size), "head.weight": head}.items():
                file[f"parameters/{name}"] = value.astype("float32")

    def said(self, text):
        self.model_that_says(text)
        done = subprocess.run([PROGRAM, "sample", "speaker.h5", "--length", str(len(text)),
                               "--temperature", "0"], cwd=self.folder, capture_output=True,
                              timeout=60)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout.decode("utf-8", "strict")[:-1]  # without the line break at the end

    def test_what_is_valid_stays(self):
        text = "aé नमस्ते สวัสดี 안녕하세요 😀🚀 \u0800\uD7FF\uE000\U00010000\U0010FFFF"
        self.assertEqual(self.said(text.encode()), text)

    def test_what_is_not_is_marked(self):
        for broken in (b"a\x80b", b"\xc0\x80", b"\xe0\x9f\x80", b"\xed\xa0\x80", b"\xf0\x8f\x80\x80",
                       b"\xf4\x90\x80\x80", b"\xf5\x80", b"\xe2\x82", b"\xe2\x82a", b"\xf0\x9f\x98x",
                       b"\xe2\xe2\x82\xac"):
            self.assertEqual(self.said(broken), broken.decode("utf-8", "replace"), broken)


if __name__ == "__main__":
    unittest.main(argv=["terminal_test.py"])
