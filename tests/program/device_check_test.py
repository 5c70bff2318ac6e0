# SPDX-FileCopyrightText: 2026 Kyrtos contributors
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Packs a build for the CPU as perf/device/pack does one for a GPU, and goes through the check without
one: device_check_test.py BUILD."""

import json
import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

BUILD = Path(sys.argv.pop())
DEVICE = Path(__file__).parents[2] / "perf" / "device"
STEPS = ["machine", "correct", "sanitizer", "repeats", "against_cpu", "speed", "launches",
         "beside_torch", "counters"]


def run(*words, cwd, status=0, **environment):
    done = subprocess.run([str(word) for word in words], cwd=cwd, capture_output=True, text=True,
                          encoding="utf-8", timeout=100, env={**os.environ, **environment})
    if done.returncode != status:
        raise AssertionError(done.stdout + done.stderr)
    return done.stdout


class DeviceCheck(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.folder = Path(folder.name)
        run(DEVICE / "pack", "--host", "--fast", "--build", BUILD, "--output", "all.tar.xz",
            cwd=cls.folder)

    def check(self, *words, out, status=0):
        text = run(DEVICE / "check", "--out", out, *words, "all.tar.xz", cwd=self.folder,
                   status=status)
        result = json.loads((self.folder / out / "result.json").read_text())
        self.assertEqual([step["name"] for step in result["steps"]], STEPS)
        return text, {step["name"]: step for step in result["steps"]}

    def test_a_dry_run_passes_or_says_what_is_not_there(self):
        text, steps = self.check("--dry-run", out="dry")
        for name in ("machine", "correct", "repeats", "against_cpu", "speed"):
            self.assertEqual(steps[name]["outcome"], "passed", name)
        for step in steps.values():
            self.assertIn(step["outcome"], ("passed", "not there"))
        close = steps["against_cpu"]["results"]
        self.assertLess(close["hvp, float64"]["value"], 1e-12)
        self.assertGreater(close["hvp, float32"]["value"], 1e-12)
        self.assertIn("Nothing failed.", text)

    def test_what_differs_from_the_reference_fails_by_name(self):
        run("tar", "-xf", "all.tar.xz", cwd=self.folder)
        unpacked = self.folder / "kyrtos-device"
        metrics = unpacked / "reference" / "metrics.jsonl"
        metrics.write_text(metrics.read_text().replace('"loss":5', '"loss":6'))
        text = run(unpacked / "check", "--dry-run", "--only", "against_cpu", "--out", "other",
                   cwd=self.folder, status=1)
        self.assertIn("FAILED: against_cpu\n", text)
        result = json.loads((self.folder / "other" / "result.json").read_text())
        outcomes = {step["name"]: step["outcome"] for step in result["steps"]}
        self.assertEqual(outcomes["against_cpu"], "failed: exit code 1")


if __name__ == "__main__":
    unittest.main()
