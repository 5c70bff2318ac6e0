# SPDX-FileCopyrightText: 2026 Kyrtos contributors
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The model of every program in the comparison: GPT-2 with `kyrtos`' names and shapes."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Case:
    name: str
    depth: int
    width: int
    heads: int
    vocabulary: int
    context: int
    batch: int
    length: int
    tied: bool = True

    @property
    def tokens(self):
        return self.batch * self.length

    def shapes(self):
        """Parameter name -> shape; weights of linear layers are [outputs, inputs]."""
        d = self.width
        shapes = {"embedding.token.weight": (self.vocabulary, d),
                  "embedding.position.weight": (self.context, d)}

        def norm(name):
            shapes[name + ".weight"] = shapes[name + ".bias"] = (d,)

        def linear(name, inputs, outputs):
            shapes[name + ".weight"], shapes[name + ".bias"] = (outputs, inputs), (outputs,)

        for i in range(self.depth):
            block = f"blocks.{i}."
            norm(block + "norm1")
            linear(block + "attention.qkv", d, 3 * d)
            linear(block + "attention.output", d, d)
            norm(block + "norm2")
            linear(block + "mlp.up", d, 4 * d)
            linear(block + "mlp.down", 4 * d, d)
        norm("final_norm")
        if not self.tied:
            shapes["head.weight"] = (self.vocabulary, d)
        return shapes

    def config(self):
        """The [model] table of the same model."""
        return (f"[model]\npreset = \"gpt2\"\ndepth = {self.depth}\nwidth = {self.width}\n"
                f"heads = {self.heads}\nvocabulary = {self.vocabulary}\n"
                f"context = {self.context}\ntied = {'true' if self.tied else 'false'}\n")


# char and gpt2 are those of `kyrtos bench --suite node`. `long` and `wide_head` are for memory.
CASES = {c.name: c for c in (
    Case("tiny", 2, 32, 4, 37, 20, 3, 16),
    Case("char", 6, 384, 6, 256, 256, 8, 256),
    Case("gpt2", 12, 768, 12, 50257, 1024, 4, 256),
    Case("long", 2, 256, 4, 256, 4096, 1, 4096),
    Case("wide_head", 12, 768, 12, 50304, 1024, 2, 1024, tied=False),
)}


def random_parameters(case, seed=1):
    rng = np.random.default_rng(seed)

    def values(name, shape):
        if "norm" in name:
            return np.full(shape, 1.0 if name.endswith("weight") else 0.0, np.float32)
        if name.endswith("bias"):
            return np.zeros(shape, np.float32)
        return np.float32(0.02) * rng.standard_normal(shape, np.float32)

    return {name: values(name, shape) for name, shape in case.shapes().items()}


def random_direction(case, seed=2):
    rng = np.random.default_rng(seed)
    return {name: rng.standard_normal(shape, np.float32) for name, shape in case.shapes().items()}


def random_tokens(case, seed=3):
    """[batch, length + 1]"""
    return np.random.default_rng(seed).integers(
        0, case.vocabulary, (case.batch, case.length + 1), dtype=np.int32)
