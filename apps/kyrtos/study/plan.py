# SPDX-FileCopyrightText: 2026 Kyrtos contributors
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Reads a study and lists its cases: one training each, for every point of its axes.

    title = "…"                 # of the report
    claim = "…"                 # what is put to the test
    analysis = "cures"          # study/analyses/cures.py; none: curves and a table
    tuned = "…"                 # what was tuned, and how
    jobs = 1                    # at most so many runs at once, for the sake of their times
    [base]                      # a configuration of `kyrtos train`
    [axes]                      # keys with lists of values: all combinations are run
    schedule.peak = [1e-3, 1e-2]
    [methods.NAME]              # groups of keys, one of them at a time
    [[measure]]                 # commands after each training; see commands_of()
    [analysis_options]          # for the analysis
    [quick] [full] …            # sizes: each may have base, axes, methods (a list of names),
                                # measure and analysis_options, which replace those above
"""

import itertools
import json
import os
import re
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

PARTS = ("base", "axes", "methods", "measure", "analysis_options")
TEXTS = ("title", "claim", "analysis", "tuned", "jobs")


class StudyError(Exception):
    """Something that the user can fix; the text says how."""


@dataclass
class Case:
    """One training and the commands after it."""

    name: str
    method: str
    point: dict  # the axes' values, by key
    config: dict  # keys with dots and their values
    folder: Path

    @property
    def toml(self):
        return "".join(f"{key} = {literal(value)}\n" for key, value in self.config.items())


@dataclass
class Study:
    file: Path
    size: str
    folder: Path
    title: str
    claim: str
    analysis: str
    tuned: str
    jobs: int
    axes: dict
    methods: dict
    measures: list
    options: dict
    cases: list = field(default_factory=list)

    @property
    def name(self):
        return self.file.stem


def literal(value):
    """A value as TOML."""
    if isinstance(value, list):
        return "[" + ", ".join(map(literal, value)) + "]"
    return repr(value) if isinstance(value, float) else json.dumps(value)


def flat(table, prefix=""):
    """{'a.b': value} for nested tables."""
    found = {}
    for key, value in table.items():
        if isinstance(value, dict):
            found |= flat(value, f"{prefix}{key}.")
        else:
            found[prefix + key] = value
    return found


def label(value):
    return f"{value:g}" if isinstance(value, float) else str(value)


def read(file, size):
    try:
        table = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as fault:
        raise StudyError(f"{file}: can't be read as TOML: {fault}") from None
    sizes = [key for key, value in table.items() if key not in PARTS + TEXTS]
    if size not in sizes:
        raise StudyError(f"{file}: has no size '{size}'; there are {', '.join(sizes)}")
    for key in TEXTS[:2]:
        if key not in table:
            raise StudyError(f"{file}: '{key}' is missing")
    for key in table[size]:
        if key not in PARTS:
            raise StudyError(f"{file}: [{size}] has '{key}'; it may have {', '.join(PARTS)}")
    return table, table[size]


def methods_of(table, of_size, file):
    methods = {name: flat(keys) for name, keys in table.get("methods", {}).items()}
    chosen = of_size.get("methods", list(methods))
    for name in chosen:
        if name not in methods:
            raise StudyError(f"{file}: there is no method '{name}'; there are "
                             f"{', '.join(methods)}")
    return {name: methods[name] for name in chosen} or {"base": {}}


def expanded(name):
    """With ~ and variables of the environment; one that is not set is an error."""
    if Path(name).exists():
        return name
    full = os.path.expanduser(os.path.expandvars(name))
    if re.search(r"\$(\w|\{)", full):
        raise StudyError(f"{name}: a variable is not set in the environment; set it, or write the "
                         "path out")
    return full


def load(file, size, folder, text=None):
    table, of_size = read(file, size)
    base = flat(table.get("base", {})) | flat(of_size.get("base", {}))
    if text:
        base["data.train"] = text
    if "data.train" in base:  # Runs may be started from anywhere later.
        names = base["data.train"] if isinstance(base["data.train"], list) else [base["data.train"]]
        base["data.train"] = [str(Path(expanded(name)).resolve()) for name in names]
        for name in base["data.train"]:
            if not Path(name).exists() and "*" not in name:
                raise StudyError(f"{name}: there is no such file to train on; name another with "
                                 "--text, or make the demo's with ./quickstart demo")
    axes = flat(of_size.get("axes", table.get("axes", {})))
    for key, values in axes.items():
        if not isinstance(values, list) or not values:
            raise StudyError(f"{file}: axes.{key} must be a list of values")
    study = Study(
        file=file.resolve(), size=size, folder=folder, title=table["title"], claim=table["claim"],
        analysis=table.get("analysis", "curves"), tuned=table.get("tuned", ""),
        jobs=table.get("jobs", 1 << 30), axes=axes,
        methods=methods_of(table, of_size, file),
        measures=of_size.get("measure", table.get("measure", [])),
        options=table.get("analysis_options", {}) | of_size.get("analysis_options", {}))
    for method, values in itertools.product(study.methods, itertools.product(*axes.values())):
        add_case(study, base, method, dict(zip(axes, values)))
    return study


def add_case(study, base, method, point):
    """Methods win over axes: what a method sets, no axis varies."""
    config = base | point | study.methods[method]
    point = {key: config[key] for key in point}
    if point in [case.point for case in study.cases if case.method == method]:
        return
    words = [method, *(f"{key.split('.')[-1]}={label(value)}" for key, value in point.items())]
    name = ",".join(words)
    folder = study.folder / "runs" / name
    config["output.directory"] = str(folder / "run")
    study.cases.append(Case(name, method, point, config, folder))


def commands_of(study, case):
    """What is measured after a training: (name, words, values) of each command.

        [[measure]]
        name = "probe"
        command = "curvature {run} --sequences {n} --json"   # of this program; prints JSON
        n = [1, 2, 4]                                        # once for each combination
        each = "checkpoint"                                  # once for each: {checkpoint}, {step}
                                                             # {file}: for what it writes
        methods = ["plain"]                                  # only for these
    """
    for measure in study.measures:
        if case.method not in measure.get("methods", [case.method]):
            continue
        axes = {key: values for key, values in measure.items() if isinstance(values, list)
                and key != "methods"}
        places = [{}]
        if measure.get("each") == "checkpoint":
            files = sorted((case.folder / "run/checkpoints").glob("step-*.h5"))
            places = [{"checkpoint": str(file), "step": int(file.stem[5:])} for file in files]
        for place, values in itertools.product(places, itertools.product(*axes.values())):
            values = dict(zip(axes, values)) | place
            name = ",".join([measure["name"], *(f"{key}={label(value)}" for key, value in
                                                values.items() if key != "checkpoint")])
            words = [word.format(run=case.folder / "run", file=case.folder / f"measure/{name}.h5",
                                 **values) for word in measure["command"].split()]
            yield name, words, {"measure": measure["name"],
                                **{k: v for k, v in values.items() if k != "checkpoint"}}
