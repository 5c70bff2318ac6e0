# SPDX-FileCopyrightText: 2026 Kyrtos contributors
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Imports folders as save_pretrained writes them, and goes on from them: import_test.py PROGRAM
[LAUNCHER…]. The folders are made here, of random bits."""

import json
import os
import random
import struct
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

PROGRAM = sys.argv[1]
QWEN2 = {"model_type": "qwen2", "vocab_size": 256, "hidden_size": 12, "num_hidden_layers": 2,
         "num_attention_heads": 6, "num_key_value_heads": 2, "intermediate_size": 10,
         "max_position_embeddings": 2048, "use_sliding_window": False, "sliding_window": 512,
         "rope_scaling": {"type": "yarn", "factor": 4.0, "original_max_position_embeddings": 512},
         "torch_dtype": "bfloat16", "bos_token_id": 1}


def shapes(c):
    """The tensors of a Qwen2."""
    width, inner = c["hidden_size"], c["intermediate_size"]
    size = width // c["num_attention_heads"]
    keys = c["num_key_value_heads"] * size
    found = {"model.embed_tokens.weight": [c["vocab_size"], width], "model.norm.weight": [width],
             "lm_head.weight": [c["vocab_size"], width]}
    for i in range(c["num_hidden_layers"]):
        layer = {"self_attn.q_proj.weight": [width, width], "self_attn.q_proj.bias": [width],
                 "self_attn.k_proj.weight": [keys, width], "self_attn.k_proj.bias": [keys],
                 "self_attn.v_proj.weight": [keys, width], "self_attn.v_proj.bias": [keys],
                 "self_attn.o_proj.weight": [width, width], "mlp.gate_proj.weight": [inner, width],
                 "mlp.up_proj.weight": [inner, width], "mlp.down_proj.weight": [width, inner],
                 "input_layernorm.weight": [width], "post_attention_layernorm.weight": [width]}
        found.update({f"model.layers.{i}.{name}": shape for name, shape in layer.items()})
    return found


def numbers(count, kind, rng):
    """Numbers below one, as little-endian bytes: BF16 are the upper halves of F32."""
    values = [rng.uniform(-0.3, 0.3) for _ in range(count)]
    if kind == "BF16":
        return b"".join(struct.pack("<f", v)[2:] for v in values)
    return struct.pack(f"<{count}{ {'F16': 'e', 'F32': 'f', 'F64': 'd'}[kind] }", *values)


def write_safetensors(path, tensors, kind):
    rng = random.Random(path.name)
    header, data = {}, b""
    for name, shape in sorted(tensors.items()):
        count = 1
        for extent in shape:
            count *= extent
        piece = numbers(count, kind, rng)
        header[name] = {"dtype": kind, "shape": shape,
                        "data_offsets": [len(data), len(data) + len(piece)]}
        data += piece
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


class Import(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.model = self.folder / "tiny"
        self.model.mkdir()
        (self.folder / "text.txt").write_text(4 * Path(__file__).read_text(encoding="utf-8"),
                                              encoding="utf-8")

    def run_program(self, *words, status=0):
        done = subprocess.run([PROGRAM, *words], cwd=self.folder, capture_output=True, text=True,
                              encoding="utf-8", timeout=100, env={**os.environ})
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        if status != 0:
            self.assertEqual(len(done.stderr.strip().splitlines()), 1, done.stderr)
        return done.stdout if status == 0 else done.stderr

    def write(self, kind="BF16", pieces=1, **changes):
        config = {**QWEN2, **changes}
        (self.model / "config.json").write_text(json.dumps(config))
        tensors = list(shapes(config).items())
        if pieces == 1:
            write_safetensors(self.model / "model.safetensors", dict(tensors), kind)
            return
        where = {}
        for i in range(pieces):
            name = f"model-{i + 1:05}-of-{pieces:05}.safetensors"
            write_safetensors(self.model / name, dict(tensors[i::pieces]), kind)
            where.update({tensor: name for tensor, _ in tensors[i::pieces]})
        (self.model / "model.safetensors.index.json").write_text(
            json.dumps({"metadata": {"total_size": 1}, "weight_map": where}))

    def test_everything_goes_on_from_a_folder(self):
        self.write(pieces=3)
        (self.model / "tokenizer.json").write_text("{}")
        self.assertIn("Wrote tiny.toml", self.run_program("import", "tiny/"))
        self.assertEqual((self.folder / "tiny.tokenizer" / "tokenizer.json").read_text(), "{}")
        self.run_program("plan", "tiny.toml", "--flops", "1e10")
        lines = self.run_program("train", "tiny.toml", "--set", "training.steps=1")
        self.assertIn("step 1/1", lines)
        few = ("--sequences", "1", "--length", "16", "--max-hvps", "8", "--top", "1")
        self.assertIn("tiny.h5", self.run_program("curvature", "tiny.toml", *few))
        tokens = self.run_program("sample", "tiny.toml", "--length", "4", "--tokens", "65,66,67")
        self.assertTrue(tokens.startswith("ABC"))
        self.assertEqual(tokens, self.run_program("sample", "tiny.h5", "--length", "4", "--prompt",
                                                  "ABC"))

    def test_an_index_names_the_files(self):
        self.write(pieces=3)
        self.run_program("import", "tiny", "--output", "folder.h5")
        index = "tiny/model.safetensors.index.json"
        self.run_program("import", index, "--output", "index.h5")
        for name in ("folder", "index"):
            self.run_program("export", f"{name}.h5", "--output", f"{name}.safetensors")
        self.assertEqual((self.folder / "index.safetensors").read_bytes(),
                         (self.folder / "folder.safetensors").read_bytes())
        self.assertIn("give one folder or index alone",
                      self.run_program("import", index, index, "--output", "x.h5", status=1))

    def test_comes_back_as_it_was(self):
        for kind in ("BF16", "F16", "F32", "F64"):
            self.write(kind)
            self.run_program("import", "tiny", "--output", f"{kind}.h5")
            self.run_program("export", f"{kind}.h5", "--output", "back.safetensors", "--config",
                             "config.json")
            self.assertEqual((self.folder / "back.safetensors").read_bytes()[-2000:],
                             (self.model / "model.safetensors").read_bytes()[-2000:])
            self.assertEqual(json.loads((self.folder / "config.json").read_text())["model_type"],
                             "qwen2")

    def test_what_is_there_stays(self):
        self.write()
        self.run_program("import", "tiny")
        self.run_program("import", "tiny")
        mine = self.folder / "tiny.toml"
        mine.write_text(mine.read_text() + "# mine\n")
        self.assertIn("tiny.toml: is there already", self.run_program("import", "tiny", status=1))
        self.assertTrue(mine.read_text().endswith("# mine\n"))

    def test_what_is_missing_is_named(self):
        self.assertIn("config.json: is missing", self.run_program("import", "tiny", status=1))
        self.write(pieces=3)
        (self.model / "model-00002-of-00003.safetensors").unlink()
        self.assertIn("tiny/model-00002-of-00003.safetensors: is missing",
                      self.run_program("import", "tiny", status=1))
        index = self.model / "model.safetensors.index.json"
        index.write_text('{"weight_map": {"a": "../tiny/config.json"}}')
        self.assertIn("which is no file of its folder",
                      self.run_program("import", "tiny", status=1))
        index.write_text('{"weight_map": 3}')
        self.assertIn("'weight_map' must be an object",
                      self.run_program("import", "tiny", status=1))
        index.unlink()
        self.assertIn("has neither model.safetensors nor",
                      self.run_program("import", "tiny", status=1))
        self.write(rope_scaling={"type": "longrope"})
        self.assertIn("'rope_scaling.type' = \"longrope\" needs other rotary",
                      self.run_program("import", "tiny", status=1))
        self.write(num_experts=4)
        self.assertIn("'num_experts' is no setting of a Qwen2",
                      self.run_program("import", "tiny", status=1))
        self.assertEqual(sorted(p.name for p in self.folder.iterdir()), ["text.txt", "tiny"])


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
