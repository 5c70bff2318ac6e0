# SPDX-FileCopyrightText: 2026 Kyrtos contributors
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Transformers and their parameters."""

from __future__ import annotations

import os
import tomllib
from ctypes import byref, c_char_p, c_double, c_int64, c_uint64
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ._arrays import TYPES, Batch, Batches, describe, precision_of, to_read, to_write
from ._context import Context
from ._library import Handle, SegmentStruct
from ._operator import Operator, operator_of_model


class Segment(NamedTuple):
    """Where a named tensor lies in θ: elements [offset, offset + size), row-major."""

    offset: int
    size: int
    shape: tuple[int, ...]


class Model(Handle):
    """A Transformer and its parameters θ, one flat vector. Make it by load() or create().

    What takes a batch is collective over the context's ranks: each hands over its part and gets the
    result of the whole. Vectors u, gradients and products have the shape [size] and θ's layout.

    Attributes:
        size: the number of parameters.
        dtype: of all its numbers.
        context: where its work happens.
    """

    kind = "model"

    def __init__(self, create: str, text: bytes, precision: str, context: Any) -> None:
        self.context = Context.of(context)
        self.dtype = precision_of(precision)
        super().__init__(create, self.context, text, TYPES[self.dtype])
        size = c_int64()
        self._run("model_size", byref(size))
        self.size = size.value
        self._parameters: NDArray | None = None
        self._segments: dict[str, Segment] | None = None

    @classmethod
    def load(cls, path: str | os.PathLike, precision: str = "float32",
             context: Context | Any = None) -> Model:
        """From a checkpoint, the newest one of a run's directory, or a directory with config.json
        and *.safetensors as save_pretrained of transformers writes it. Collective.

        Args:
            precision: float32 or float64.
            context: a Context or a communicator of mpi4py; None: work that is not shared.
        """
        return cls("model_load", os.fsencode(path), precision, context)

    @classmethod
    def create(cls, config: str, precision: str = "float32", seed: int | None = 0,
               context: Context | Any = None) -> Model:
        """A new model.

        Args:
            config: text of a configuration file: [model], and for a Trainer [optimizer],
                [curvature] and training.clip_norm.
            seed: of the parameters; None leaves them zero.
        """
        model = cls("model_create", config.encode(), precision, context)
        if seed is not None:
            model._run("model_initialize", c_uint64(seed))
        return model

    def save(self, path: str | os.PathLike) -> None:
        """Writes a checkpoint without an optimiser's state: complete or absent. Collective."""
        self._run("model_save", os.fsencode(path))

    @property
    def config(self) -> dict[str, Any]:
        """Its configuration, all keys with their values."""
        text = c_char_p()
        self._run("model_config", byref(text))
        return tomllib.loads(text.value.decode())

    @property
    def segments(self) -> dict[str, Segment]:
        """Where each named tensor lies in θ, in order."""
        if self._segments is None:
            found: dict[str, Segment] = {}
            segment = SegmentStruct()
            while True:
                self._run("model_segment_at", len(found), byref(segment))
                if segment.name is None:
                    break
                shape = tuple(segment.extents[:segment.rank])
                found[segment.name.decode()] = Segment(segment.offset, segment.size, shape)
            self._segments = found
        return self._segments

    def named(self, vector: NDArray) -> dict[str, NDArray]:
        """The named tensors in a vector [size] of θ's layout, as views."""
        return {name: vector[s.offset:s.offset + s.size].reshape(s.shape)
                for name, s in self.segments.items()}

    @property
    def parameters(self) -> NDArray:
        """θ itself, [size]: what is written there changes the model. On a device, where NumPy can't
        reach θ, a copy; set_parameters() brings it back."""
        if self._parameters is None:
            values = np.empty(self.size, self.dtype)
            self._run("model_get_parameters", byref(describe(values)))
            try:
                self._run("model_use_parameters", byref(describe(values)))
            except ValueError:  # other memory
                return values
            self._parameters = values
        return self._parameters

    def set_parameters(self, values: ArrayLike) -> None:
        """θ ← values, [size]."""
        self._run("model_set_parameters", byref(describe(to_read(values, "parameters"))))

    def loss(self, batch: Batch | tuple) -> float:
        """ℓ(θ), in nats a target."""
        loss = c_double()
        self._run("model_loss", Batches(batch).structs, byref(loss))
        return loss.value

    def gradient(self, batch: Batch | tuple, out: NDArray | None = None) -> tuple[float, NDArray]:
        """ℓ(θ) and ∇ℓ(θ), [size]; three forward passes.

        Args:
            out: takes the gradient; without a copy where it is contiguous and of the model's type.
        """
        loss, out = c_double(), to_write(out, self.size, self.dtype, "out")
        self._run("model_gradient", Batches(batch).structs, byref(loss), byref(describe(out)))
        return loss.value, out

    def hvp(self, u: ArrayLike, batch: Batch | tuple, out: NDArray | None = None) -> NDArray:
        """H u, [size], exact, with the Hessian H of the loss; eight forward passes."""
        u, out = to_read(u, "u"), to_write(out, self.size, self.dtype, "out")
        self._run("model_hvp", Batches(batch).structs, byref(describe(u)), byref(describe(out)),
                  None, None)
        return out

    def outputs(self, inputs: ArrayLike) -> NDArray:
        """Inference: logits [sequences, length, vocabulary], or fields [.., output_features]."""
        inputs = to_read(inputs, "inputs")
        settings = self.config["model"]
        last = settings.get("output_features") or settings["vocabulary"]
        out = np.empty((*inputs.shape[:2], last), self.dtype)
        self._run("model_outputs", byref(describe(inputs)), byref(describe(out)))
        return out

    def hessian(self, batches) -> Operator:
        """H of the loss on a batch, or on several whose losses are added: a large batch in several
        needs the memory of one. Batches are copied; θ is read at every product."""
        return operator_of_model(self, 0, batches)

    def gauss_newton(self, batches) -> Operator:
        """Jᵀ(∂²ℓ/∂z²)J with the Jacobian J of the outputs z: without the network's own curvature."""
        return operator_of_model(self, 1, batches)

    def preconditioner(self) -> NDArray:
        """P^(-1/2), [size], of Adam's preconditioner P in the checkpoint that was loaded."""
        diagonal = np.empty(self.size, self.dtype)
        self._run("model_preconditioner", byref(describe(diagonal)))
        return diagonal

    def preconditioned(self, batches) -> Operator:
        """P^(-1/2) H P^(-1/2), with preconditioner()."""
        return self.hessian(batches).preconditioned(self.preconditioner())
