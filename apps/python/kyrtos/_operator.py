# SPDX-FileCopyrightText: 2026 Kyrtos contributors
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Symmetric operators, their eigenvalues, and the density of these."""

from __future__ import annotations

import ctypes
from ctypes import POINTER, byref, c_double, c_int64
from typing import Any, Callable, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import _library
from ._arrays import TYPES, Batches, describe, precision_of, to_read, to_write
from ._context import Context
from ._library import APPLY, ArgumentError, DensityStruct, EigenvalueStruct, Handle, ShapeError

TARGETS = {"largest_magnitude": 0, "largest": 1, "smallest": 2}


def target_of(name: str) -> int:
    if name not in TARGETS:
        raise ArgumentError(f"target: {name} is none of {', '.join(TARGETS)}")
    return TARGETS[name]


class Eigenvalue(NamedTuple):
    """Some eigenvalue lies within residual·|value| of `value`; NaN: not found."""

    value: float
    residual: float


class SpectralDensity(NamedTuple):
    """The density φ(x) = (1/n) Σ δ(x − λi) of eigenvalues, smoothed.

    Attributes:
        grid: [grid_points], eigenvalues at which the density is given.
        density: [grid_points]; its integral is 1.
        standard_error: [grid_points], over the probes.
        nodes, weights: [probes, steps]: Σ weight·f(node) of a row estimates the mean of f over the
            eigenvalues. Rows are filled up with nodes of NaN and weight 0.
        width: σ of the Gaussians, in units of the eigenvalues.
        hvps: products spent.
    """

    grid: NDArray
    density: NDArray
    standard_error: NDArray
    nodes: NDArray
    weights: NDArray
    width: float
    hvps: int


class Operator(Handle):
    """A symmetric map y = A x on vectors [size]. SciPy takes it for a LinearOperator.

    Products of a model's operator are collective over its context's ranks, each of which has the
    whole of x and y.

    Attributes:
        shape: (size, size).
        dtype: of its numbers.
    """

    kind = "operator"

    def __init__(self, create: str, parent: Handle, size: int, dtype: np.dtype, *arguments) -> None:
        self.size, self.shape, self.dtype = size, (size, size), dtype
        super().__init__(create, parent, *arguments)

    @classmethod
    def from_function(cls, function: Callable[[NDArray], ArrayLike], size: int,
                      precision: str = "float64", context: Context | Any = None) -> Operator:
        """An operator of the caller's own: `function` takes x, [size], and returns A x.

        x can't be written to and is good during the call only. What the function raises comes out
        of the call that needed the product.
        """
        dtype = precision_of(precision)
        number = ctypes.c_float if dtype == np.float32 else c_double

        def apply(_user, _stream, size, x, y):
            try:
                given, wanted = (np.ctypeslib.as_array(ctypes.cast(p, POINTER(number)), (size,))
                                 for p in (x, y))
                given.flags.writeable = False
                found = np.asarray(function(given))
                if found.shape != wanted.shape:
                    raise ShapeError(f"the operator's function returned the shape {found.shape} for "
                                     f"a vector of shape {wanted.shape}")
                wanted[:] = found
                return 0
            except BaseException as exception:  # also of Ctrl-C: it goes on behind the library
                _library.remember(exception)
                return 1

        callback = APPLY(apply)
        operator = cls("operator_create", Context.of(context), size, dtype, size, TYPES[dtype], 0,
                       callback, None)
        operator._callback = callback  # lives as long
        return operator

    def matvec(self, x: ArrayLike, out: NDArray | None = None) -> NDArray:
        """A x, [size]; for x of the shape [size, 1] as well, as SciPy asks."""
        x = to_read(x, "x")
        column = x.shape == (self.size, 1)
        x, out = x.ravel() if column else x, to_write(out, self.size, self.dtype, "out")
        self._run("operator_apply", byref(describe(x)), byref(describe(out)))
        return out[:, None] if column else out

    rmatvec = matvec  # A is symmetric

    def __matmul__(self, x: ArrayLike) -> NDArray:
        return self.matvec(x)

    def linear_operator(self):
        """The same as a scipy.sparse.linalg.LinearOperator."""
        from scipy.sparse.linalg import LinearOperator
        return LinearOperator(self.shape, matvec=self.matvec, rmatvec=self.matvec, dtype=self.dtype)

    def preconditioned(self, diagonal: NDArray) -> Operator:
        """D A D with a diagonal matrix D, such as P^(-1/2). `diagonal`, [size], contiguous and of
        the operator's type, is not copied: what is written there counts from the next product on."""
        if not isinstance(diagonal, np.ndarray):
            raise ShapeError("diagonal: must be a NumPy array, as it is not copied")
        place = describe(diagonal) if diagonal.dtype in TYPES else describe(to_read(diagonal, "diagonal"))
        operator = Operator("operator_precondition", self, self.size, self.dtype, byref(place))
        operator._diagonal = diagonal
        return operator

    def eigenvalues(self, largest: int = 1, smallest: int = 0, tolerance: float = 1e-3,
                    max_hvps: int = 100, seed: int = 0) -> list[Eigenvalue]:
        """The `largest` first eigenvalues, descending, then the `smallest` last ones, ascending, by
        Lanczos's method, which keeps a vector for each of at most `max_hvps` products; one more for
        each eigenvalue measures its residual.

        Args:
            tolerance: on the residuals, relative to the eigenvalues.
            seed: of the first vector.
        """
        found = (EigenvalueStruct * (largest + smallest))()
        self._run("lanczos", largest, smallest, tolerance, max_hvps, seed, found, None)
        return [Eigenvalue(pair.value, pair.residual) for pair in found]

    def largest_eigenvalue(self, tolerance: float = 1e-3, max_hvps: int = 100,
                           seed: int = 0) -> Eigenvalue:
        """The sharpness: the largest eigenvalue algebraically, by Lanczos's method."""
        return self.eigenvalues(1, 0, tolerance, max_hvps, seed)[0]

    def power_iteration(self, target: str = "largest", tolerance: float = 1e-3, max_hvps: int = 1000,
                        seed: int = 0) -> tuple[Eigenvalue, NDArray]:
        """An eigenvalue and its vector, [size], of length one; keeps two vectors, however many
        products it takes. `target`: largest, smallest (algebraically) or largest_magnitude."""
        pair, vector = EigenvalueStruct(), np.empty(self.size, self.dtype)
        self._run("power_iteration", target_of(target), tolerance, max_hvps, seed, byref(pair),
                  byref(describe(vector)), None)
        return Eigenvalue(pair.value, pair.residual), vector

    def spectral_density(self, probes: int = 10, steps: int = 80, grid_points: int = 1000,
                         relative_width: float = 0.01, seed: int = 0) -> SpectralDensity:
        """The density of all eigenvalues, by stochastic Lanczos quadrature: probes·steps products.

        Args:
            relative_width: σ of the Gaussian that stands for each node, in widths of the spectrum.
        """
        curves = np.empty((3, grid_points))
        quadrature = np.empty((2, max(probes, 0), max(steps, 0)))
        arrays = [row.ctypes.data_as(POINTER(c_double)) for row in (*curves, *quadrature)]
        result = DensityStruct(*arrays)
        options = _library.DensityOptions(probes, steps, grid_points, relative_width, seed)
        self._run("spectral_density", byref(options), byref(result))
        return SpectralDensity(*curves, *quadrature, result.width, result.hvps)


def operator_of_model(model: Handle, matrix: int, batches) -> Operator:
    given = Batches(batches)
    return Operator("operator_of_model", model, model.size, model.dtype, matrix, given.structs,
                    c_int64(given.count))
