# SPDX-FileCopyrightText: 2026 Kyrtos contributors
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Writes a study as a job array for SLURM: one array task a case, then one job that reports."""

import shlex

JOB = """#!/bin/bash
# {title}: {count} runs, one array task each. Change what your machine wants otherwise, then:
#   array=$(sbatch --parsable {folder}/array.sh)
#   sbatch --dependency=afterany:$array {folder}/report.sh
# Tasks that a time limit stops save a checkpoint: submit the array again, and they go on.
#SBATCH --job-name={name}
#SBATCH --array=0-{last}
#SBATCH --ntasks=1
#SBATCH --cpus-per-task=4
#SBATCH --time=04:00:00
#SBATCH --signal=B:TERM@120
#SBATCH --output={folder}/slurm-%a.log

export OMP_NUM_THREADS=${{SLURM_CPUS_PER_TASK:-1}}
exec {command} --case "$SLURM_ARRAY_TASK_ID" --jobs 1
"""

REPORT = """#!/bin/bash
#SBATCH --job-name={name}-report
#SBATCH --ntasks=1
#SBATCH --time=00:15:00
#SBATCH --output={folder}/slurm-report.log

exec {command} --collect
"""


def write(study, chosen):
    words = [chosen.program, "study", str(study.file), "--size", study.size, "--output",
             str(study.folder)]
    if chosen.text:
        words += ["--text", chosen.text]
    if chosen.launcher:
        words += ["--launcher", shlex.join(chosen.launcher)]
    study.folder.mkdir(parents=True, exist_ok=True)
    for name, text in (("array.sh", JOB), ("report.sh", REPORT)):
        (study.folder / name).write_text(text.format(
            title=study.title, count=len(study.cases), last=len(study.cases) - 1,
            name=study.name, folder=study.folder, command=shlex.join(words)), encoding="utf-8")
    print(f"{study.folder}/array.sh: {len(study.cases)} tasks; its first lines say how to submit")
    return 0
