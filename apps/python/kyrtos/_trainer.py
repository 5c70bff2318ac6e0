# SPDX-FileCopyrightText: 2026 Kyrtos contributors
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Trains a model on batches of the caller's."""

from __future__ import annotations

import os
from ctypes import byref, c_int64
from typing import NamedTuple

from ._arrays import Batch, Batches
from ._library import Handle, StepStruct
from ._model import Model
from ._tracker import Sharpness


class Step(NamedTuple):
    """What a step of training did.

    Attributes:
        step: steps done, this one with them.
        loss: before the step, in nats a target.
        gradient_norm: before clipping.
        sharpness: after the step; `lost` where nothing is watched.
    """

    step: int
    loss: float
    gradient_norm: float
    sharpness: Sharpness


class Trainer(Handle):
    """Moves a model's θ by the optimiser that its configuration names. Every call is collective."""

    kind = "trainer"

    def __init__(self, model: Model) -> None:
        model.parameters  # from now on they stay where they are
        self._model = model
        super().__init__("trainer_create", model)

    def watch(self, probe: Batch | tuple) -> None:
        """Reports with every step from now on the largest eigenvalue of the matrix that [curvature]
        names, by default the Hessian as Adam preconditions it, on this batch, which is copied."""
        self._run("trainer_watch", Batches(probe).structs)

    def step(self, batches, learning_rate: float) -> Step:
        """One step on a batch, or on several whose gradients are added. Where loss or gradient are
        not finite, θ stays as it was."""
        given, report = Batches(batches), StepStruct()
        self._run("trainer_step", given.structs, c_int64(given.count), learning_rate, byref(report))
        return Step(report.step, report.loss, report.gradient_norm, Sharpness.of(report.sharpness))

    def save(self, path: str | os.PathLike) -> None:
        """A checkpoint of all that the next step depends on but its batches, as `kyrtos train`
        writes it: complete or absent."""
        self._run("trainer_save", os.fsencode(path))

    def restore(self, path: str | os.PathLike) -> None:
        """Goes on from a checkpoint of the same model, of a Trainer or of `kyrtos train`."""
        self._run("trainer_restore", os.fsencode(path))
