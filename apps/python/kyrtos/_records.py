# SPDX-FileCopyrightText: 2026 Kyrtos contributors
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What `kyrtos train` recorded."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, Iterator, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ._library import FileError


class Run(NamedTuple):
    """The record of a run.

    Attributes:
        columns: name → [steps]: `step`, `loss`, `lambda`, … as docs/training.md explains them;
            numbers as float64, NaN where a step has none, words as text. What has parts has a
            column for each, such as `mass/blocks.0`.
        path: the file that was read.
    """

    columns: dict[str, NDArray]
    path: Path

    def __getitem__(self, name: str) -> NDArray:  # type: ignore[override]
        if name not in self.columns:
            raise KeyError(f"{self.path} has no column {name}; it has {', '.join(self.columns)}")
        return self.columns[name]


def read_run(path: str | os.PathLike) -> Run:
    """Reads a run's directory, its metrics.jsonl, or its run.h5 (which needs h5py).

    A line that a kill has torn, the last one, is left out.
    """
    path = Path(path)
    if path.is_dir():
        found = [path / name for name in ("metrics.jsonl", "run.h5") if (path / name).exists()]
        if not found:
            raise FileError(f"{path}: holds neither metrics.jsonl nor run.h5; name a directory that "
                            "`kyrtos train` wrote")
        path = found[0]
    return Run(_read_h5(path) if path.suffix == ".h5" else _read_lines(path), path)


def _flat(entry: dict[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in entry.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{above}{name}/")
        else:
            yield above + name, value


def _read_lines(path: Path) -> dict[str, NDArray]:
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError as fault:
        raise FileError(f"{path}: {fault.strerror}") from None
    rows = []
    for number, line in enumerate(lines, 1):
        try:
            rows.append(dict(_flat(json.loads(line))))
        except (ValueError, AttributeError):
            if number < len(lines):
                raise FileError(f"{path}:{number}: not the JSON object of a step; "
                                "remove the line") from None
    names = dict.fromkeys(name for row in rows for name in row)
    return {name: _column([row.get(name) for row in rows]) for name in names}


def _column(values: list[Any]) -> NDArray:
    if any(isinstance(value, (str, list)) for value in values):
        return np.array(["" if value is None else str(value) for value in values])
    return np.array([np.nan if value is None else value for value in values], dtype=float)


def _read_h5(path: Path) -> dict[str, NDArray]:
    import h5py
    columns: dict[str, NDArray] = {}

    def add(name: str, item) -> None:
        if isinstance(item, h5py.Dataset) and item.ndim == 1:
            is_text = h5py.check_string_dtype(item.dtype) is not None
            columns[name] = item.asstr()[:].astype(str) if is_text else item[:].astype(float)

    try:
        with h5py.File(path, "r") as file:
            if "metrics/step" not in file:
                raise FileError(f"{path}: not the record of a run, it has no dataset metrics/step")
            file["metrics"].visititems(add)
    except FileError:
        raise
    except OSError as fault:
        raise FileError(f"{path}: can't be read as HDF5 ({fault})") from None
    return columns
