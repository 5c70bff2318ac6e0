# SPDX-FileCopyrightText: 2026 Kyrtos contributors
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Follows an eigenvalue of an operator that changes."""

from __future__ import annotations

from ctypes import byref
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ._arrays import describe
from ._library import Handle, SharpnessStruct, TrackerOptions
from ._operator import Operator, target_of


class Sharpness(NamedTuple):
    """What is known of the eigenvalue after a step.

    Attributes:
        value: λ; NaN where the quality is `lost`.
        residual: ‖Ax − λx‖/(|λ|‖x‖): some eigenvalue lies within that share of λ.
        threshold_ratio: λη/threshold, above 1 an explicit step of size η overshoots.
        hvps: products spent on this report.
        quality: `converged`, `following` or `lost`.
        stability: `unknown`, `stable`, `at_edge` or `unstable`.
    """

    value: float
    residual: float
    threshold_ratio: float
    hvps: int
    quality: str
    stability: str

    @staticmethod
    def of(s: SharpnessStruct) -> Sharpness:
        return Sharpness(s.value, s.residual, s.threshold_ratio, s.hvps,
                         ("converged", "following", "lost")[s.quality],
                         ("unknown", "stable", "at_edge", "unstable")[s.stability])


class Tracker(Handle):
    """Follows an eigenvalue of an operator that changes a little from update to update, such as the
    Hessian in a training loop: the vector found at one step is the start of the next.

    Args:
        operator: whose function reads what changes; see Operator.from_function() and, for the
            Hessian that Adam preconditions, Operator.preconditioned().
        threshold: of λη: 2 for gradient descent, 38 for Adam with β1 = 0.9.
        target_residual: more products, within the budget, while the residual is above it.
        block: vectors carried along, 1 to 4; more where eigenvalues cross.
        min_hvps, max_hvps: products an update.
        cold_hvps: the budget of the first update, and after a failure.
        seed: of the first vectors.
        target: largest, smallest (algebraically) or largest_magnitude.
    """

    kind = "tracker"

    def __init__(self, operator: Operator, threshold: float = 2.0, target_residual: float = 0.1,
                 block: int = 1, min_hvps: int = 1, max_hvps: int = 5, cold_hvps: int = 20,
                 seed: int = 0, target: str = "largest") -> None:
        self._operator = operator
        options = TrackerOptions(threshold, target_residual, block, min_hvps, max_hvps, cold_hvps,
                                 seed, target_of(target))
        super().__init__("tracker_create", operator, byref(options))

    def update(self, step_size: float) -> Sharpness:
        """An estimate for the operator as it is now. NaN in the operator gives the quality
        `lost`, no error."""
        report = SharpnessStruct()
        self._run("tracker_update", step_size, byref(report))
        return Sharpness.of(report)

    def vector(self) -> NDArray:
        """The eigenvector that is followed, [size]."""
        vector = np.empty(self._operator.size, self._operator.dtype)
        self._run("tracker_vector", byref(describe(vector)))
        return vector
