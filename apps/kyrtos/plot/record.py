# SPDX-FileCopyrightText: 2026 Kyrtos contributors
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Reads what `kyrtos train` records; include/kyrtos/train/run_record.hpp has the formats."""

import json
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

try:
    import tomllib
except ImportError:  # Python before 3.11: titles do without the configuration.
    tomllib = None

# The names here and in the record.
COLUMNS = {
    "step": "step",
    "loss": "loss",
    "validation": "validation_loss",
    "rate": "learning_rate",
    "depth": "active_depth",
    "sharpness": "lambda",
    "held_out": "lambda_held_out",
    "held_out_error": "lambda_held_out_error",
    "ratio": "threshold_ratio",
    "along": "directional_ratio",
    "predicted": "predicted_change",
    "actual": "actual_change",
}
BY_PART = ("mass", "part_lambda")  # in the record, a group each with a column for every part


class PlotError(Exception):
    """Something that the user can fix; the text says how."""


@dataclass
class Run:
    """One value a step in each column, NaN where a step has none."""

    step: np.ndarray
    loss: np.ndarray
    validation: np.ndarray
    rate: np.ndarray
    depth: np.ndarray
    sharpness: np.ndarray
    held_out: np.ndarray
    held_out_error: np.ndarray
    ratio: np.ndarray
    along: np.ndarray
    predicted: np.ndarray
    actual: np.ndarray
    quality: np.ndarray
    by_part: dict  # of BY_PART, (names of the model's parts from the input on, [parts, steps])
    config: dict
    folder: Path
    label: str = ""
    colour: object = None

    @property
    def lost(self):
        return np.isin(self.quality, ("lost", "failed"))

    @property
    def measured(self):
        """Steps with an estimate, or with a failure to get one."""
        return np.isfinite(self.sharpness) | self.lost

    @property
    def grown(self):
        """Steps from which on the depth is another one."""
        known = np.isfinite(self.depth)
        return self.step[known][1:][np.diff(self.depth[known]) != 0]

    def threshold(self):
        """The threshold of stability in units of λ.

        λη over it is the ratio, so it is c/η with a c that hardly changes: c is what steps without
        an estimate take from their neighbours.
        """
        with np.errstate(divide="ignore", invalid="ignore"):
            c = self.sharpness * self.rate / self.ratio
            known = np.isfinite(c) & (c > 0)
            if not known.any():
                return np.full(len(c), np.nan)
            bound = np.interp(self.step, self.step[known], c[known]) / self.rate
        return np.where(np.isfinite(bound), bound, np.nan)


def read_run(name):
    record = find_record(name)
    columns, quality, config = read_record(record)
    nothing = np.full(len(columns["step"]), np.nan)

    def column(key):  # No curve goes through infinity.
        values = columns.get(key, nothing)
        return np.where(np.isfinite(values), values, np.nan)

    return Run(**{name: column(key) for name, key in COLUMNS.items()}, quality=quality,
               by_part={name: parts_of(columns, name) for name in BY_PART}, config=config,
               folder=record.parent)


def read_record(record):
    """All numbers of a record, a column each, NaN where a step has none; the words on quality; and
    the configuration. Numbers of an object or group are called by both names: mass/embedding."""
    columns, quality, config = (read_jsonl if record.suffix == ".jsonl" else read_h5)(record)
    if len(columns["step"]) == 0:
        raise PlotError(f"{record}: holds no step yet; plot again when the run has taken one")
    return columns, quality, config


def parts_of(columns, name):
    """(names, [parts, steps]): parts of the model as they follow each other, whatever order a file
    has."""
    def place(part):
        if part == "embedding":
            return (0, 0, part)
        pieces = part.split(".")
        return (1, int(pieces[1]), part) if pieces[0] == "blocks" else (2, 0, part)

    parts = sorted((key.split("/", 1)[1] for key in columns if key.startswith(f"{name}/")), key=place)
    values = np.array([columns[f"{name}/{part}"] for part in parts])
    return parts, values.reshape(len(parts), len(columns["step"]))


def find_record(name):
    """The file to read, of a run's directory or the record that is named itself."""
    path = Path(name)
    if not path.exists():
        raise PlotError(f"{path}: no such file or directory; name one that `kyrtos train` wrote")
    return record_of(path) if path.is_dir() else path


def record_of(folder):
    """run.h5 as long as it is up to date: a killed run leaves more in metrics.jsonl."""
    h5, jsonl = folder / "run.h5", folder / "metrics.jsonl"
    if not h5.exists() and not jsonl.exists():
        raise PlotError(f"{folder}: holds neither run.h5 nor metrics.jsonl; name a directory that "
                        "`kyrtos train` wrote")
    if not jsonl.exists() or (h5.exists() and is_current(h5, jsonl)):
        return h5
    return jsonl


def is_current(h5, jsonl):
    try:
        return (h5.stat().st_mtime >= jsonl.stat().st_mtime
                and steps_in(h5) >= len(lines_of(jsonl)))
    except PlotError:  # What the other record holds can still be drawn.
        return False


def open_h5(path):
    try:
        return h5py.File(path, "r")
    except OSError as fault:
        raise PlotError(f"{path}: can't be read as HDF5 ({fault}); name a file that `kyrtos` "
                        "wrote") from None


def steps_in(path):
    with open_h5(path) as file:
        return len(metrics_in(file, path)["step"])


def metrics_in(file, path):
    if "metrics/step" not in file:
        raise PlotError(f"{path}: not the record of a run, it has no dataset metrics/step; "
                        "name a run.h5 that `kyrtos train` wrote")
    return file["metrics"]


def read_h5(path):
    columns = {}

    def visit(name, item):
        if isinstance(item, h5py.Dataset) and item.dtype.kind in "biuf":
            columns[name] = np.atleast_1d(item[()]).astype(float)

    with open_h5(path) as file:
        metrics = metrics_in(file, path)
        metrics.visititems(visit)
        count = len(columns["step"])
        quality = metrics["quality"].asstr()[:] if "quality" in metrics else np.full(count, "")
        config = file.attrs.get("config", "")
    for name, column in {**columns, "quality": quality}.items():
        if len(column) != count:
            raise PlotError(f"{path}: metrics/{name} has {len(column)} values for {count} steps; "
                            "plot the metrics.jsonl beside it")
    return columns, quality, parse_config(config)


def lines_of(jsonl):
    try:
        return jsonl.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError as fault:
        raise PlotError(f"{jsonl}: {fault.strerror}; make it readable") from None


def entries_of(path):
    """The objects of a metrics.jsonl, one a step, each with the number of its line."""
    lines = lines_of(path)
    for number, line in enumerate(lines, 1):
        try:
            entry = json.loads(line)
        except ValueError:
            if number == len(lines):  # What a kill can tear.
                return
            entry = None
        if not isinstance(entry, dict) or "step" not in entry:
            raise not_a_step(path, number)
        yield number, entry


def not_a_step(path, number):
    return PlotError(f"{path}:{number}: not the JSON object of a step; remove the line")


def read_jsonl(path):
    entries = list(entries_of(path))
    columns = {"step": np.full(len(entries), np.nan)}
    for row, (number, entry) in enumerate(entries):
        for name, value in numbers_in(entry):
            column = columns.setdefault(name, np.full(len(entries), np.nan))
            try:
                column[row] = value
            except (ValueError, TypeError):
                raise not_a_step(path, number) from None
    quality = np.array([entry.get("quality", "") for _, entry in entries], dtype=str)
    return columns, quality, config_beside(path)


def numbers_in(entry):
    for key, value in entry.items():
        if isinstance(value, dict):
            yield from ((f"{key}/{name}", number) for name, number in value.items())
        elif not isinstance(value, str):
            yield key, value


def config_beside(jsonl):
    try:
        return read_h5(jsonl.with_name("run.h5"))[2]
    except PlotError:
        return {}


def parse_config(text):
    try:
        return tomllib.loads(text) if tomllib else {}
    except (ValueError, TypeError):  # Only titles are lost.
        return {}


def read_series(path):
    """The columns of a series of checkpoints, by name; steps are numbered where they are unknown."""
    with open_h5(path) as file:
        if "series/largest" not in file:
            raise PlotError(f"{path}: there is no dataset series/largest; name the file that "
                            "`kyrtos curvature --series` wrote")
        columns = {name: column[:] for name, column in file["series"].items()}
        matrix = file.attrs.get("matrix", "")
        matrix = matrix.decode() if isinstance(matrix, bytes) else str(matrix)
    if np.isnan(columns["step"]).any():
        columns["step"] = np.arange(len(columns["step"]))
    return columns, matrix


def read_spectrum(path):
    """Grid, density and its standard error, and what is there of eigenvalues at the ends."""
    with open_h5(path) as file:
        columns = []
        for key in ("spectrum/grid", "spectrum/density", "spectrum/standard_error"):
            if key not in file:
                raise PlotError(f"{path}: there is no dataset {key}; name the file of a spectral "
                                "density")
            columns.append(file[key][:])
        ends = {key: file[f"eigenvalues/{key}"][:] for key in ("largest", "smallest")
                if f"eigenvalues/{key}" in file}
    grid, density, error = columns
    if not len(grid) == len(density) == len(error):
        raise PlotError(f"{path}: the datasets in spectrum differ in length; measure it again")
    if not (density[np.isfinite(density)] > 0).any():
        raise PlotError(f"{path}: spectrum/density has no positive value; measure it again")
    return grid, density, error, ends
