# SPDX-FileCopyrightText: 2026 Kyrtos contributors
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Runs the quick size of a study, whose report checks the mathematics that must hold:
study_quick.py PROGRAM STUDY"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

try:
    import h5py  # noqa: F401
    import matplotlib  # noqa: F401
    import tomllib  # noqa: F401
except ImportError:
    sys.exit(77)

PROGRAM, STUDY = sys.argv[1], Path(sys.argv[2])

environment = {**os.environ, "KYRTOS_PYTHON": sys.executable}
for name in ("OMP_NUM_THREADS", "OMP_PROC_BIND"):
    environment.pop(name, None)  # the study shares out the cores

with tempfile.TemporaryDirectory() as folder:
    text = Path(folder, "text.txt")
    text.write_text("".join(file.read_text(encoding="utf-8") for file in
                            sorted(STUDY.parents[2].glob("*.md"))), encoding="utf-8")
    done = subprocess.run([PROGRAM, "study", STUDY, "--output", f"{folder}/out", "--text", text],
                          env=environment)
    if done.returncode == 0:
        report = Path(folder, "out/report.md").read_text(encoding="utf-8")
        print(report)
        assert report.startswith("# ") and "**Found.**" in report
        assert list(Path(folder, "out").glob("*.png")), "there is no figure"
    else:
        for log in Path(folder).glob("out/runs/*/log.txt"):
            print(log, log.read_text(encoding="utf-8")[-2000:], sep="\n")
sys.exit(done.returncode)
