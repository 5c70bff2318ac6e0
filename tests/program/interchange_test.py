# SPDX-FileCopyrightText: 2026 Kyrtos contributors
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What other programs find in files of Kyrtos: checkpoints by h5py, and exported safetensors by
plain Python, and by the package of that name where there is one: interchange_test.py PROGRAM.

Names and shapes are written down here as docs/checkpoint.md states them."""

import json
import os
import re
import struct
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

try:
    import h5py
    import numpy as np
except ImportError as fault:
    print(f"skipped: {fault}")
    sys.exit(77)
try:
    from safetensors.numpy import load_file
except ImportError:
    load_file = None

PROGRAM = sys.argv[1]
PAGE = Path(__file__).resolve().parents[2] / "docs/checkpoint.md"
SIZES = {"vocabulary": 61, "context": 16, "depth": 2, "width": 12, "heads": 6, "kv_heads": 2}
PRESETS = {"gpt2": {"bias": True, "tied": True, "norm": "layer_norm", "positions": "learned"},
           "llama": {"bias": False, "tied": False, "norm": "rms_norm", "positions": "rotary"}}
MODELS = [
    {"preset": "gpt2", "kv_heads": 6},
    {"preset": "gpt2", "tied": False, "head_size": 5, "qk_norm": True, "gated": True},
    {"preset": "gpt2", "norm_position": "none", "attention_bias": "none", "bias": False},
    {"preset": "gpt2", "norm_position": "post", "attention_bias": "qkv"},
    {"preset": "llama", "mlp_width": 20},
    {"preset": "llama", "tied": True, "qk_norm": True, "qk_norm_over": "all_heads"},
    {"preset": "llama", "norm": "layer_norm", "bias": True, "mlp_width": 20},
]


def tensors(given):
    """Name and shape of each tensor."""
    c = {"head_size": 0, "mlp_width": 0, "norm_position": "pre", "qk_norm": False, "gated": False,
         "qk_norm_over": "each_head", "attention_bias": "as_others",
         **PRESETS[given["preset"]], **SIZES, **given}
    V, T, C, H, K = (c[name] for name in ("vocabulary", "context", "width", "heads", "kv_heads"))
    D = c["head_size"] or C // H
    up = 2 if c["preset"] == "llama" else 1  # SwiGLU
    M = c["mlp_width"] or (4 * C if up == 1 else -(-(8 * C // 3) // 64) * 64)
    bias_of = {"as_others": (c["bias"],) * 2, "none": (False, False), "qkv": (True, False)}
    qkv_bias, output_bias = bias_of[c["attention_bias"]]
    found = {}

    def add(name, shape, bias):
        found[f"{name}.weight"] = shape
        if bias:
            found[f"{name}.bias"] = shape[:1]

    def add_norm(name):
        add(name, (C,), c["norm"] == "layer_norm" and c["bias"])

    found["embedding.token.weight"] = (V, C)
    if c["positions"] == "learned":
        found["embedding.position.weight"] = (T, C)
    for block in (f"blocks.{i}" for i in range(c["depth"])):
        add(f"{block}.attention.qkv", ((H + 2 * K) * D, C), qkv_bias)
        add(f"{block}.attention.output", (C, H * D), output_bias)
        add(f"{block}.mlp.up", (up * M, C), c["bias"])
        add(f"{block}.mlp.down", (C, M), c["bias"])
        if c["qk_norm"]:
            over = (H * D, K * D) if c["qk_norm_over"] == "all_heads" else (D, D)
            for which, size in zip(("query", "key"), over):
                found[f"{block}.attention.{which}_norm.weight"] = (size,)
        if c["gated"]:
            found |= {f"{block}.attention.gate": (1,), f"{block}.mlp.gate": (1,)}
        if c["norm_position"] != "none":
            add_norm(f"{block}.norm1")
            add_norm(f"{block}.norm2")
    if c["norm_position"] not in ("none", "post"):
        add_norm("final_norm")
    if not c["tied"]:
        found["head.weight"] = (V, C)
    return found


def names_of_the_page():
    """The first column of its table of tensors."""
    names = set()
    section = PAGE.read_text(encoding="utf-8").split("## Tensors")[1].split("## ")[0]
    for row in re.findall(r"^\| (`.+?) \|", section, re.M):
        first, *more = re.findall(r"`(\S+?)`", row)
        names.add(first)
        for name in more:  # `.bias` stands for the first name with another end.
            names.add(name if name.startswith("blocks")
                      else first.rsplit(".", name.count("."))[0] + name)
    return names


def own_names_and_values(values, preset):
    """The tensors of a GPT-2 or Llama as Hugging Face names and lays them out."""
    blocks = {"attention.output": ("attn.c_proj", "self_attn.o_proj"),
              "mlp.down": ("mlp.c_proj", "mlp.down_proj"),
              "norm1": ("ln_1", "input_layernorm"), "norm2": ("ln_2", "post_attention_layernorm")}
    outer = {"embedding.token": ("wte", "embed_tokens"), "embedding.position": ("wpe", None),
             "final_norm": ("ln_f", "norm")}
    llama = preset == "llama"
    for name, value in values.items():
        part, kind = name.rsplit(".", 1)
        prefix = "model." if llama else "transformer."
        if part == "head":
            yield f"lm_head.{kind}", value
        elif part in outer:
            yield f"{prefix}{outer[part][llama]}.{kind}", value
        else:
            _, number, part = part.split(".", 2)
            prefix += f"{'layers' if llama else 'h'}.{number}."
            if not llama and value.ndim == 2:
                value = value.T
            if part in blocks:
                yield f"{prefix}{blocks[part][llama]}.{kind}", value
            else:
                for theirs, rows in split(part, value, llama):
                    yield f"{prefix}{theirs}.{kind}", rows


def split(part, value, llama):
    """Where Llama has several matrices, they lie one below the other here."""
    if not llama:
        return [({"attention.qkv": "attn.c_attn", "mlp.up": "mlp.c_fc"}[part], value)]
    if part == "mlp.up":
        return zip(("mlp.gate_proj", "mlp.up_proj"), np.split(value, 2))
    size = SIZES["width"] // SIZES["heads"]
    ends = np.cumsum([SIZES["heads"] * size, SIZES["kv_heads"] * size])
    return zip((f"self_attn.{which}_proj" for which in "qkv"), np.split(value, ends))


def read_safetensors(path):
    """Type, shape and bytes of each tensor, by the format's description alone."""
    data = path.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8:8 + length])
    header.pop("__metadata__", None)
    result, end = {}, 8 + length
    for name, entry in sorted(header.items(), key=lambda item: item[1]["data_offsets"]):
        start, stop = (8 + length + offset for offset in entry["data_offsets"])
        assert start == end, "tensors follow each other without a gap"
        result[name] = entry["dtype"], tuple(entry["shape"]), data[start:stop]
        end = stop
    assert end == len(data)
    return result


class Interchange(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        (np.arange(300, dtype=np.uint16) ** 2 % 61).tofile(self.folder / "tokens.bin")

    def run_program(self, *words):
        done = subprocess.run([PROGRAM, *words], cwd=self.folder, capture_output=True, text=True,
                              timeout=100, env={**os.environ})
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def train(self, model):
        """A run of one step; its checkpoint."""
        run, values = Path(tempfile.mkdtemp(dir=self.folder)), {**SIZES, **model}
        lines = [f"{key} = {json.dumps(value)}" for key, value in values.items()]
        (self.folder / "run.toml").write_text("\n".join([
            "[model]", *lines, '[data]\ntrain = "tokens.bin"\nvalidation_fraction = 0.0',
            "[training]\nsteps = 1\nbatch = 2\nlength = 8\nevaluate_every = 0",
            f'[curvature]\nprobe_sequences = 1\n[output]\ndirectory = "{run}"']))
        self.run_program("train", "run.toml")
        (checkpoint,) = run.glob("checkpoints/*.h5")
        return checkpoint

    def parameters(self, checkpoint):
        with h5py.File(checkpoint) as file:
            return {name: values[()] for name, values in file["parameters"].items()}


class Checkpoints(Interchange):
    def test_have_the_names_and_shapes_of_the_page(self):
        known = names_of_the_page()
        for model in MODELS:
            with self.subTest(model=model):
                wanted = tensors(model)
                with h5py.File(self.train(model)) as file:
                    self.assertEqual(file.attrs["format"], b"kyrtos checkpoint")
                    self.assertEqual(file.attrs["version"], 1)
                    self.assertIn(b"[model]", file.attrs["config"])
                    groups = [file["parameters"], file["optimizer/m"], file["optimizer/v"],
                              file["curvature/x0"]]
                    for group in groups:
                        self.assertEqual({name: d.shape for name, d in group.items()}, wanted)
                        self.assertEqual({d.dtype.str for d in group.values()}, {"<f4"})
                patterns = {re.sub(r"\.\d+\.", ".<i>.", name) for name in wanted}
                self.assertLessEqual(patterns, known)


class Exports(Interchange):
    def test_hold_the_checkpoint_bit_by_bit(self):
        for model in (MODELS[0], MODELS[4]):
            with self.subTest(model=model):
                checkpoint = self.train(model)
                values = self.parameters(checkpoint)
                wanted = dict(own_names_and_values(values, model["preset"]))
                path = checkpoint.with_suffix(".safetensors")
                self.run_program("export", str(checkpoint), "--output", str(path))
                found = read_safetensors(path)
                self.assertEqual(set(found), set(wanted))
                for name, value in wanted.items():
                    bits = np.ascontiguousarray(value).tobytes()
                    self.assertEqual(found[name], ("F32", value.shape, bits), name)
                if load_file:
                    loaded = load_file(path)
                    self.assertEqual(set(loaded), set(wanted))
                    for name, value in wanted.items():
                        np.testing.assert_array_equal(loaded[name], value, name)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
