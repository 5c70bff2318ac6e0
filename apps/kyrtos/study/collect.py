# SPDX-FileCopyrightText: 2026 Kyrtos contributors
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Collects the runs of a study in one HDF5 file, and reads that file.

study.h5: attributes `format`, `title`, `size`, `plan` (the TOML), `command`, `machine`, `commit`,
`program`, `chance` (the loss of knowing only the frequency of bytes); a group `cases/<name>` each,
with the attributes `method`, `point` (JSON), `config` (JSON), `exit`, `seconds`, `memory`, the
dataset `measures` (JSON), and in `steps` one dataset a column of the run's record.
"""

import json
import math
import os
import platform
import shlex
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import h5py
import numpy as np

from .run import DIVERGED, FINISHED, status_of


@dataclass
class Result:
    """What one case has left. Columns have one value a step, NaN where a step has none."""

    name: str
    method: str
    point: dict
    config: dict
    exit: int
    seconds: float
    memory: int
    measures: list
    columns: dict = field(default_factory=dict)
    chance: float = math.inf  # the loss of knowing only how frequent each byte is

    def __getitem__(self, column):
        return self.columns.get(column, np.full(len(self.columns.get("step", [])), np.nan))

    @property
    def steps(self):
        return len(self.columns.get("step", []))

    @property
    def not_finite(self):
        return self.exit == DIVERGED

    def found(self, measure):
        """(values, result) of the commands of that name that succeeded."""
        return [(m["values"], m["found"]) for m in self.measures
                if m["values"]["measure"] == measure and m["found"] is not None]


def read_steps(file):
    """The numbers in the lines of metrics.jsonl as columns; words, and values by part or tensor, are
    left out."""
    rows = []
    try:
        for line in file.read_text(encoding="utf-8").splitlines():
            rows.append(json.loads(line))
    except (OSError, ValueError):
        pass  # the last line may be torn
    names = sorted({name for row in rows for name, value in row.items()
                    if isinstance(value, (int, float))})
    return {name: np.array([float(row.get(name, np.nan)) for row in rows]) for name in names}


def commit_of(folder):
    try:
        done = subprocess.run(["git", "-C", folder, "describe", "--always", "--dirty"],
                              capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return "unknown"
    return done.stdout.strip() or "unknown"


def machine():
    model = platform.processor() or platform.machine()
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
    except OSError:
        pass
    return f"{len(os.sched_getaffinity(0))} cores of {model}"


def entropy_of(study):
    """Of the bytes of the data, in nats; infinite where they are not bytes of text."""
    counts = np.zeros(256)
    for name in study.cases[0].config.get("data.train", []) if study.cases else []:
        if name.endswith((".bin", ".npy")) or "*" in name:
            return math.inf
        counts += np.bincount(np.fromfile(name, np.uint8, count=1 << 26), minlength=256)
    shares = counts[counts > 0] / max(counts.sum(), 1)
    return float(-np.sum(shares * np.log(shares))) if len(shares) else math.inf


def version_of(program):
    done = subprocess.run([program, "--version"], capture_output=True, text=True)
    return done.stdout.strip()


def collect(study, chosen):
    path = study.folder / "study.h5"
    partial = path.with_suffix(".partial")
    words = ["kyrtos", "study", os.path.relpath(study.file), "--size", study.size]
    if chosen.jobs != len(os.sched_getaffinity(0)):
        words += ["--jobs", str(chosen.jobs)]
    with h5py.File(partial, "w", track_order=True) as file:
        file.attrs.update({
            "format": "kyrtos study", "title": study.title, "size": study.size,
            "plan": study.file.read_text(encoding="utf-8"), "command": shlex.join(words),
            "machine": machine(), "commit": commit_of(study.file.parent),
            "program": version_of(chosen.program), "chance": entropy_of(study)})
        file.create_group("cases", track_order=True)
        for case in study.cases:
            status = status_of(case)
            if status is None:
                continue
            group = file.create_group(f"cases/{case.name}")
            measures = [json.loads(m.read_text(encoding="utf-8"))
                        for m in sorted((case.folder / "measure").glob("*.json"))]
            group.attrs.update({"method": case.method, "point": json.dumps(case.point),
                                "config": json.dumps(case.config), "exit": status["exit"],
                                "seconds": status["seconds"], "memory": status["memory"]})
            group.create_dataset("measures", data=json.dumps(measures))  # may exceed an attribute
            for name, values in read_steps(case.folder / "run/metrics.jsonl").items():
                group.create_dataset(f"steps/{name}", data=values)
    partial.replace(path)
    return read(path)


@dataclass
class Results:
    facts: dict
    cases: list

    def __iter__(self):
        return iter(self.cases)

    def of(self, method=None, **point):
        """Those of a method and of values of axes, by the last part of their keys."""
        return [case for case in self.cases if method in (None, case.method)
                and all(value_of(case, key) == value for key, value in point.items())]

    def values(self, key):
        return sorted({value_of(case, key) for case in self.cases} - {None})

    @property
    def methods(self):
        return list(dict.fromkeys(case.method for case in self.cases))

    @property
    def failed(self):
        return [case for case in self.cases if case.exit not in (FINISHED, DIVERGED)]


def value_of(case, key):
    return next((value for name, value in case.point.items() if name.split(".")[-1] == key), None)


def read(path):
    with h5py.File(path) as file:
        cases = []
        for group in file.get("cases", {}).values():
            a = group.attrs
            cases.append(Result(
                group.name.split("/")[-1], a["method"], json.loads(a["point"]),
                json.loads(a["config"]), int(a["exit"]), float(a["seconds"]), int(a["memory"]),
                json.loads(group["measures"].asstr()[()]),
                {name: column[:] for name, column in group.get("steps", {}).items()},
                float(file.attrs["chance"])))
        facts = dict(file.attrs)
    return Results(facts, cases)
