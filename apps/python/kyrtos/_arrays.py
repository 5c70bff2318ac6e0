# SPDX-FileCopyrightText: 2026 Kyrtos contributors
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""NumPy's arrays as the library sees them."""

from __future__ import annotations

from typing import Iterable, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ._library import Array, ArgumentError, BatchStruct, MAX_RANK, ShapeError

TYPES = {np.dtype(name): number
         for number, name in enumerate(("float32", "float64", "int32", "int64"))}


def precision_of(name: str) -> np.dtype:
    """The type of a model's or operator's numbers."""
    dtype = np.dtype(name)
    if dtype not in (np.float32, np.float64):
        raise ArgumentError(f"precision: {name} is neither float32 nor float64")
    return dtype


def describe(array: np.ndarray) -> Array:
    """The array where it lies. It must have one of TYPES, be aligned and of up to four dimensions."""
    place = Array(data=array.ctypes.data, type=TYPES[array.dtype], rank=array.ndim)
    place.extents[:array.ndim] = array.shape
    if not array.flags.c_contiguous:
        place.strides[:array.ndim] = [stride // array.itemsize for stride in array.strides]
    return place


def can_describe(array: np.ndarray) -> bool:
    if array.dtype not in TYPES or not array.flags.aligned or array.ndim > MAX_RANK:
        return False
    if array.flags.c_contiguous:
        return True
    return any(array.strides) and all(stride >= 0 and stride % array.itemsize == 0
                                      for stride in array.strides)


def to_read(values: ArrayLike, name: str) -> np.ndarray:
    """The same array where the library can read it, else a copy: of other types, of the other byte
    order, or read backwards. Numbers stay what they are."""
    array = np.asarray(values)
    if can_describe(array):
        return array
    if array.ndim > MAX_RANK:
        raise ShapeError(f"{name}: has {array.ndim} dimensions, more than {MAX_RANK}")
    kind = array.dtype.kind
    if kind not in "iufb":
        raise ShapeError(f"{name}: has numbers of type {array.dtype}; give real ones or integers")
    to = np.int64 if kind != "f" else np.float32 if array.itemsize <= 4 else np.float64
    return np.array(array, dtype=to, order="C")


def to_write(out: NDArray | None, size: int, dtype: np.dtype, name: str) -> np.ndarray:
    """`out`, or a new vector of that size."""
    if out is None:
        return np.empty(size, dtype)
    if not isinstance(out, np.ndarray) or not out.flags.writeable or not can_describe(out):
        raise ShapeError(f"{name}: is to be written to, so it must be a writeable NumPy array of "
                         "float32 or float64")
    return out


class Batch(NamedTuple):
    """Sequences that a loss is a mean over.

    Attributes:
        inputs: tokens [sequences, length], integers in [0, vocabulary); or, for continuous fields,
            [sequences, length, input_features].
        targets: tokens [sequences, length], those below 0 ignored; or [.., output_features].
        weight: the loss is `weight` times the sum over targets; 0: 1/(their number on all ranks).
    """

    inputs: ArrayLike
    targets: ArrayLike
    weight: float = 0.0

    @staticmethod
    def of_tokens(tokens: ArrayLike) -> Batch:
        """Each token is to be foretold from those before it: tokens [sequences, length + 1]."""
        tokens = np.asarray(tokens)
        if tokens.ndim != 2 or tokens.shape[1] < 2:
            raise ShapeError(f"tokens: have the shape {tokens.shape}, but need [sequences, length + 1]")
        return Batch(tokens[:, :-1], tokens[:, 1:])


class Batches:
    """What the library is given for some batches, and what that refers to."""

    def __init__(self, batches: Batch | tuple | Iterable[Batch | tuple]) -> None:
        one = isinstance(batches, tuple) and not isinstance(batches[0], tuple)
        listed = [Batch(*batch) for batch in ([batches] if one else batches)]
        if not listed:
            raise ArgumentError("batches: there is none")
        self.arrays = [(to_read(batch.inputs, "inputs"), to_read(batch.targets, "targets"))
                       for batch in listed]
        self.count = len(listed)
        self.structs = (BatchStruct * self.count)(
            *(BatchStruct(describe(inputs), describe(targets), batch.weight)
              for (inputs, targets), batch in zip(self.arrays, listed)))
