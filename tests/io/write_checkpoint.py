# SPDX-FileCopyrightText: 2026 Kyrtos contributors
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Writes a checkpoint of a tiny GPT-2 with random weights: write_checkpoint.py FILE"""

import sys

import h5py
import numpy as np

vocabulary, context, width, depth, heads = 65, 16, 32, 2, 4
config = f"""
[model]
preset = "gpt2"
vocabulary = {vocabulary}
context = {context}
width = {width}
depth = {depth}
heads = {heads}
"""

random = np.random.default_rng(1)


def linear(name, outputs, inputs):
    return {f"{name}.weight": random.normal(0, 0.02, (outputs, inputs)),
            f"{name}.bias": np.zeros(outputs)}


def layer_norm(name):
    return {f"{name}.weight": np.ones(width), f"{name}.bias": np.zeros(width)}


tensors = {"embedding.token.weight": random.normal(0, 0.02, (vocabulary, width)),
           "embedding.position.weight": random.normal(0, 0.02, (context, width))}
for i in range(depth):
    tensors |= layer_norm(f"blocks.{i}.norm1")
    tensors |= linear(f"blocks.{i}.attention.qkv", 3 * width, width)
    tensors |= linear(f"blocks.{i}.attention.output", width, width)
    tensors |= layer_norm(f"blocks.{i}.norm2")
    tensors |= linear(f"blocks.{i}.mlp.up", 4 * width, width)
    tensors |= linear(f"blocks.{i}.mlp.down", width, 4 * width)
tensors |= layer_norm("final_norm")


def checksum(values):  # may be left out, and the attribute below with it
    def mix(z):
        z = (z ^ z >> np.uint64(30)) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ z >> np.uint64(27)) * np.uint64(0x94D049BB133111EB)
        return z ^ z >> np.uint64(31)

    bits = values.ravel().view(f"u{values.itemsize}").astype(np.uint64)
    places = np.arange(1, bits.size + 1, dtype=np.uint64)
    return mix(bits ^ places * np.uint64(0x9E3779B97F4A7C15)).sum(dtype=np.uint64)


with h5py.File(sys.argv[1], "w") as file:
    file.attrs["format"] = "kyrtos checkpoint"
    file.attrs["version"] = 1
    file.attrs["config"] = config
    for name, values in tensors.items():
        dataset = file.create_dataset(f"parameters/{name}", data=values.astype(np.float32))
        dataset.attrs["checksum"] = checksum(values.astype(np.float32))
