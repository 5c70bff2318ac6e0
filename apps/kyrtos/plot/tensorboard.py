# SPDX-FileCopyrightText: 2026 Kyrtos contributors
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Writes the records of runs as scalars for TensorBoard, by the package tensorboardX."""

import os
import sys
from math import isfinite
from pathlib import Path

import numpy as np

from .record import PlotError, find_record, read_record

# How TensorBoard groups what a record has. Numbers by part or tensor are groups of their own.
GROUPS = {
    "loss": ("loss", "validation_loss", "loss_z"),
    "gradient": ("gradient_norm", "gradient_z"),
    "sharpness": ("lambda", "residual", "threshold_ratio", "small_batch_ratio", "lambda_reference",
                  "lambda_held_out", "lambda_held_out_error", "precision_error", "product_error",
                  "hvps", "edge_of_stability"),
    "update": ("update_slope", "update_curvature", "directional_ratio", "predicted_change",
               "actual_change", "update_norm", "rms_ratio", "skipped"),
    "schedule": ("learning_rate", "active_depth"),
    "model": ("weight_norm", "largest_logit", "clipped_heads"),
    "speed": ("tokens", "seconds", "tokens_per_s"),
}
TAGS = {name: f"{group}/{name}" for group, names in GROUPS.items() for name in names}
TAGS |= {"loss": "loss/train", "validation_loss": "loss/validation"}

# The names by which a later export knows its own files.
EVENTS, PARTIAL = "events.out.tfevents.0.kyrtos", "kyrtos.partial"


def tag_of(column):
    return TAGS.get(column, column if "/" in column else f"other/{column}")


def scalars_of(record):
    """Each step, its time, and its numbers by tag.

    A record knows how long a step took, not when: the last one ended when the file was written.
    """
    columns, _, _ = read_record(record)
    steps = columns.pop("step").astype(int).tolist()
    elapsed = np.cumsum(np.nan_to_num(columns.get("seconds", np.zeros(len(steps)))))
    times = (record.stat().st_mtime - elapsed[-1] + elapsed).tolist()
    tags = [tag_of(name) for name in columns]
    rows = np.array(list(columns.values())).reshape(len(tags), len(steps)).T.tolist()
    return [(step, time, {tag: value for tag, value in zip(tags, row) if isfinite(value)})
            for step, time, row in zip(steps, times, rows)]


def folders_of(records, target):
    """A folder in `target` for each run: its name, or where names repeat, its path."""
    runs = [record.resolve().parent for record in records]
    names = [run.name for run in runs]
    if len(set(names)) < len(names):
        above = os.path.commonpath([run.parent for run in runs])
        names = [os.path.relpath(run, above) for run in runs]
    for name in names:
        if names.count(name) > 1:
            raise PlotError(f"{name}: is named twice; name each run once")
    return [target / name for name in names]


def require_own(folder):
    """Files of others stay alone: TensorBoard would take all events of a folder for one run."""
    if folder.exists() and not folder.is_dir():
        raise PlotError(f"{folder}: is a file; choose another folder for --tensorboard")
    for file in sorted(folder.iterdir()) if folder.is_dir() else ():
        if not file.is_dir() and file.name not in (EVENTS, PARTIAL):
            raise PlotError(f"{folder}: holds {file.name}, which `kyrtos plot` did not write; "
                            "choose another folder for --tensorboard")


def load_writer():
    try:
        from tensorboardX import RecordWriter
        from tensorboardX.proto.event_pb2 import Event
    except ImportError as fault:
        raise PlotError(f"{fault} in {sys.executable}; --tensorboard needs tensorboardX: pip "
                        "install tensorboardX, or name a Python that has it in KYRTOS_PYTHON"
                        ) from None
    return RecordWriter, Event


def events_of(scalars, Event):
    yield Event(wall_time=scalars[0][1], file_version="brain.Event:2")
    for step, time, values in scalars:
        event = Event(wall_time=time, step=step)
        for tag, value in values.items():
            event.summary.value.add(tag=tag, simple_value=value)
        yield event


def write_events(scalars, folder, library):
    """Complete or absent: beside its place first."""
    RecordWriter, Event = library
    target, partial = folder / EVENTS, folder / PARTIAL
    try:
        folder.mkdir(parents=True, exist_ok=True)
        writer = RecordWriter(str(partial.resolve()))
        try:
            for event in events_of(scalars, Event):
                writer.write(event.SerializeToString())
        finally:
            writer.close()
        partial.replace(target)
    except OSError as fault:
        if folder.is_dir():
            partial.unlink(missing_ok=True)
        raise PlotError(f"{target}: can't be written ({fault.strerror}); choose another folder for "
                        "--tensorboard") from None
    print(target)


def export(names, target):
    """Writes the runs' records into folders of `target`, and says so."""
    library, target = load_writer(), Path(target)
    records = [find_record(name) for name in names]
    folders = folders_of(records, target)
    for folder in (target, *folders):
        require_own(folder)
    runs = [scalars_of(record) for record in records]
    for scalars, folder in zip(runs, folders):
        write_events(scalars, folder, library)
