# SPDX-FileCopyrightText: 2026 Kyrtos contributors
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""`kyrtos study` runs this folder: many trainings that a TOML file describes, and a report."""

import argparse
import os
import shlex
import sys
from pathlib import Path

# In the place of this folder, whose numbers.py would hide the standard library's.
sys.path[0] = str(Path(__file__).resolve().parent.parent)

try:
    import tomllib  # noqa: F401, Python 3.11

    import h5py  # noqa: F401
    import matplotlib  # noqa: F401
except ImportError as fault:
    sys.exit(f"kyrtos study: {fault} in {sys.executable}; Python 3.11 with h5py and matplotlib is "
             "needed: on Debian apt install python3-h5py python3-matplotlib, elsewhere pip install "
             "h5py matplotlib, or name another Python in KYRTOS_PYTHON, such as /usr/bin/python3")

from study import collect, outputs, plan, report, run, slurm


def options(words):
    parser = argparse.ArgumentParser(prog="kyrtos study", description=__doc__)
    parser.add_argument("study", type=Path)
    parser.add_argument("--size", default="quick")
    parser.add_argument("--program", required=True)
    parser.add_argument("--output", type=Path)
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--launcher", type=shlex.split, default=[])
    parser.add_argument("--text")
    parser.add_argument("--case", type=int)
    parser.add_argument("--slurm", type=Path)
    parser.add_argument("--collect", action="store_true")
    return parser.parse_args(words)


def main(words):
    chosen = options(words)
    folder = chosen.slurm or chosen.output or Path("runs") / f"{chosen.study.stem}-{chosen.size}"
    study = plan.load(chosen.study, chosen.size, folder.resolve(), chosen.text)
    outputs.require(folder, outputs.JOBS if chosen.slurm else outputs.RESULTS)
    if chosen.slurm:
        return slurm.write(study, chosen)
    if chosen.case is not None:
        return run.one_case(study, chosen)
    if not chosen.collect:
        complete = run.all_cases(study, chosen)
        if not complete:
            return 75
    results = collect.collect(study, chosen)
    return report.write(study, results)


try:
    sys.exit(main(sys.argv[1:]))
except plan.StudyError as fault:
    sys.exit(f"kyrtos study: {fault}")
