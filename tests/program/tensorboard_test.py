# SPDX-FileCopyrightText: 2026 Kyrtos contributors
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Runs `kyrtos plot --tensorboard` on imitated records and reads the events back. Without
tensorboardX only what would be written is checked, and the test counts as skipped."""

import re
import struct
import sys
import unittest
from pathlib import Path

from plot_test import Plot  # which ends here where h5py or matplotlib is missing
import numpy as np
from imitated_run import PARTS, imitate, some_steps, with_signals, write_h5, write_jsonl
from plot.tensorboard import EVENTS, TAGS, scalars_of

try:
    from tensorboardX.proto.event_pb2 import Event
except ImportError as fault:
    Event, missing = None, fault
SOURCES = Path(__file__).resolve().parents[2] / "src"


def crc32c(data):
    """CRC-32C, bit by bit, as the format masks it."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    crc ^= 0xFFFFFFFF
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def read_events(file):
    data, events = file.read_bytes(), []
    while data:
        length, checksum = struct.unpack("<QI", data[:12])
        assert checksum == crc32c(data[:8])
        body, rest = data[12:12 + length], data[12 + length:]
        assert struct.unpack("<I", rest[:4]) == (crc32c(body),)
        events.append(Event.FromString(body))
        data = rest[4:]
    return events


def timed(columns):
    return {**columns, "seconds": 0.5 + 0.25 * np.arange(len(columns["step"]))}


def wanted_of(columns):
    """Step, tag and value of all that is finite."""
    names = {"loss": "loss/train", "validation_loss": "loss/validation",
             "learning_rate": "schedule/learning_rate", "active_depth": "schedule/active_depth",
             "lambda": "sharpness/lambda", "threshold_ratio": "sharpness/threshold_ratio",
             "directional_ratio": "update/directional_ratio", "seconds": "speed/seconds",
             "predicted_change": "update/predicted_change",
             "actual_change": "update/actual_change"}
    flat = {names[name]: values for name, values in columns.items() if name in names}
    for group in ("mass", "part_lambda"):
        flat |= {f"{group}/{part}": columns[group][part] for part in PARTS}
    return {(int(step), tag): value for tag, values in flat.items()
            for step, value in zip(columns["step"], values) if np.isfinite(value)}


class Scalars(Plot):
    def test_are_the_record(self):
        columns = timed(with_signals(imitate(60)))
        write_h5(self.folder / "a", columns)
        write_jsonl(self.folder / "b", columns)
        for record in (self.folder / "a/run.h5", self.folder / "b/metrics.jsonl"):
            rows = scalars_of(record)
            found = {(step, tag): value for step, _, values in rows
                     for tag, value in values.items()}
            self.assertEqual(found, wanted_of(columns))
            times = np.array([time for _, time, _ in rows])
            np.testing.assert_allclose(np.diff(times), columns["seconds"][1:], atol=1e-5)
            self.assertEqual(times[-1], record.stat().st_mtime)

    def test_of_columns_that_are_not_known(self):
        write_h5(self.folder, {**imitate(3), "new": np.arange(3.0)})
        self.assertEqual([values["other/new"] for _, _, values in
                          scalars_of(self.folder / "run.h5")], [0, 1, 2])

    def test_each_number_of_a_step_has_a_group(self):
        text = (SOURCES / "train/step_fields.hpp").read_text(encoding="utf-8")
        names = set(re.findall(r'^ +(?:detail::\w+<.+>\()?"(\w+)"[,)]', text, re.M)) - {"step"}
        self.assertGreater(len(names), 25)
        self.assertEqual(set(TAGS), names)
        self.assertEqual(len(set(TAGS.values())), len(TAGS))


class Errors(Plot):
    def test_missing_package(self):
        (self.folder / "tensorboardX.py").write_text(
            "raise ModuleNotFoundError(\"No module named 'tensorboardX'\")")
        write_h5(self.folder / "run", imitate(3))
        message = self.plot("run", "--tensorboard", "t", status=1, PYTHONPATH=str(self.folder))
        self.assertIn("No module named 'tensorboardX'", message)
        self.assertIn("pip install tensorboardX", message)
        self.assertFalse((self.folder / "t").exists())

    def test_other_options(self):
        for words in (["run", "--output", "a"], ["--spectrum", "s.h5"]):
            self.assertIn("--tensorboard takes runs",
                          self.plot(*words, "--tensorboard", "t", status=2))


@unittest.skipUnless(Event, "no tensorboardX")
class Events(Plot):
    def events(self, folder):
        return read_events(self.folder / folder / EVENTS)

    def test_are_the_record(self):
        columns = timed(with_signals(imitate(40)))
        write_h5(self.folder / "run", columns)
        self.assertEqual(self.plot("run", "--tensorboard", "t").split(), [f"t/run/{EVENTS}"])
        first, *events = self.events("t/run")
        self.assertEqual(first.file_version, "brain.Event:2")
        self.assertEqual([event.step for event in events], list(range(1, 41)))
        found = {(event.step, value.tag): value.simple_value for event in events
                 for value in event.summary.value}
        self.assertEqual(found, {key: np.float32(value)
                                 for key, value in wanted_of(columns).items()})
        times = np.array([event.wall_time for event in events])
        np.testing.assert_allclose(np.diff(times), columns["seconds"][1:], atol=1e-5)

    def test_several_runs_have_a_folder_each(self):
        for name in ("a/run", "b/run", "c"):
            write_jsonl(self.folder / name, imitate(4))
        self.plot("a/run", "c", "--tensorboard", "names")
        self.plot("a/run", "b/run", "--tensorboard", "paths")
        for folder in ("names/run", "names/c", "paths/a/run", "paths/b/run"):
            self.assertEqual(len(self.events(folder)), 5, folder)
        self.assertIn("run: is named twice",
                      self.plot("a/run", "a/run/metrics.jsonl", "--tensorboard", "t", status=1))

    def test_older_export_is_replaced(self):
        write_h5(self.folder / "run", imitate(4))
        self.plot("run", "--tensorboard", "t")
        write_h5(self.folder / "run", imitate(7))
        self.plot("run", "--tensorboard", "t")
        self.assertEqual(len(self.events("t/run")), 8)
        self.assertEqual([file.name for file in (self.folder / "t/run").iterdir()], [EVENTS])

    def test_what_others_wrote_stays_alone(self):
        write_h5(self.folder / "run", imitate(4))
        other = self.folder / "t/run/events.out.tfevents.1700000000.node"
        other.parent.mkdir(parents=True)
        other.write_bytes(b"theirs")
        for target, name in (("t", f"t/run: holds {other.name}"), ("run", "run: holds run.h5"),
                             (".", "run: holds run.h5")):
            self.assertIn(name, self.plot("run", "--tensorboard", target, status=1))
        self.assertIn("run.h5: is a file", self.plot("run", "--tensorboard", "run/run.h5",
                                                     status=1))
        self.assertIn("can't be written", self.plot("run", "--tensorboard", "run/run.h5/t",
                                                    status=1))
        self.assertEqual(other.read_bytes(), b"theirs")
        self.assertEqual([file.name for file in other.parent.iterdir()], [other.name])

    def test_faults_of_records_leave_nothing(self):
        write_h5(self.folder / "good", imitate(4))
        write_h5(self.folder / "stepless", some_steps(imitate(4), 0))
        self.assertIn("stepless/run.h5: holds no step yet",
                      self.plot("good", "stepless", "--tensorboard", "t", status=1))
        self.assertFalse((self.folder / "t").exists())


if __name__ == "__main__":
    result = unittest.main(exit=False).result
    if result.wasSuccessful() and Event is None:
        print(f"skipped: {missing}; pip install tensorboardX")
        sys.exit(77)
    sys.exit(not result.wasSuccessful())
