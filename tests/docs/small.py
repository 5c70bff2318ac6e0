# SPDX-FileCopyrightText: 2026 Kyrtos contributors
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Runs a command of the documentation with a small model and few steps: small.py PROGRAM WORD…"""

import os
import re
import sys

program, *words = sys.argv[1:]
SMALL = ["model.depth=3", "model.width=16", "model.heads=2", "model.context=16",
         "training.evaluate_every=4", "training.evaluation_batches=1", "schedule.warmup_steps=2",
         "growth.every=2"]


def with_settings(words, settings):
    return words + [word for setting in settings for word in ("--set", setting)]


def smaller(command, *words):
    # Where a page has 300 steps there are 3 here.
    numbers = r"(steps=|every=|replay-|^)(\d+)$" if command == "replay" else \
        r"(steps=|every=|replay-)(\d{3,})$"
    words = [re.sub(numbers, lambda m: m[1] + str(-(-int(m[2]) // 100)), word) for word in words]
    if command == "train" and "--help-config" not in words:
        steps = [] if any("training.steps" in word for word in words) else ["training.steps=8"]
        words = with_settings(words, SMALL + steps)
    if command == "study" and "--slurm" not in words:  # planned, not run: other tests run studies
        words += ["--slurm", "runs/planned"]
    if command == "bench" and words[0] != "compare":
        words = ["smoke" if word == "node" else word for word in words]
        words += ["--case", "rotary", "--repetitions", "1"]
    return [command, *words]


os.execv(program, [program, *smaller(*words)])
