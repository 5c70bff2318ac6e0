# SPDX-FileCopyrightText: 2026 Kyrtos contributors
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""`kyrtos sample --prompt` with a tokenizer beside the model: tokenizer_test.py PROGRAM [LAUNCHER…].
Without the package tokenizers only the errors are checked, and the test counts as skipped."""

import json
import os
import string
import struct
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from import_test import QWEN2, shapes, write_safetensors

try:
    from tokenizers import Tokenizer
except ImportError as fault:
    Tokenizer, missing = None, fault

PROGRAM, *LAUNCHER = sys.argv[1:]
SCRIPT = Path(__file__).resolve().parents[2] / "apps/kyrtos/sample/tokenizer.py"
MERGES = ["t h", "th e", "Ġ the", "Ã ¤"]  # Ġ is how the format writes a space, Ã¤ the bytes of ä.


def bpe():
    """A byte-level BPE whose post-processor begins a text with <s>, as Llama's does."""
    start = {"SpecialToken": {"id": "<s>", "type_id": 0}}
    text = {"Sequence": {"id": "A", "type_id": 0}}
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True,
                  "use_regex": True}
    words = ["<s>", *string.ascii_letters, "Ġ", "Ã", "¤", *(m.replace(" ", "") for m in MERGES)]
    return {
        "version": "1.0", "truncation": None, "padding": None, "normalizer": None,
        "added_tokens": [{"id": 0, "content": "<s>", "single_word": False, "lstrip": False,
                          "rstrip": False, "normalized": False, "special": True}],
        "pre_tokenizer": byte_level, "decoder": byte_level,
        "post_processor": {"type": "TemplateProcessing", "single": [start, text],
                           "pair": [start, text],
                           "special_tokens": {"<s>": {"id": "<s>", "ids": [0],
                                                      "tokens": ["<s>"]}}},
        "model": {"type": "BPE", "dropout": None, "unk_token": None,
                  "continuing_subword_prefix": None, "end_of_word_suffix": None,
                  "fuse_unk": False, "byte_fallback": False,
                  "vocab": {word: number for number, word in enumerate(words)}, "merges": MERGES}}


class Case(unittest.TestCase):
    """A model of 60 tokens, imported with its tokenizer."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        model = self.folder / "tiny"
        model.mkdir()
        config = {**QWEN2, "vocab_size": len(bpe()["model"]["vocab"])}
        (model / "config.json").write_text(json.dumps(config))
        (model / "tokenizer.json").write_text(json.dumps(bpe()), encoding="utf-8")
        write_safetensors(model / "model.safetensors", shapes(config), "F32")
        self.run_program("import", "tiny")

    def run_program(self, *words, status=0, launcher=(), **environment):
        environment = {**os.environ, "KYRTOS_PYTHON": sys.executable,
                       "PYTHONDONTWRITEBYTECODE": "1", **environment}
        done = subprocess.run([*launcher, PROGRAM, *words], cwd=self.folder, capture_output=True,
                              timeout=100, env=environment)
        out, fault = done.stdout.decode(), done.stderr.decode()
        self.assertEqual(done.returncode, status, out + fault)
        return out if status == 0 else fault

    def sample(self, *words, **more):
        return self.run_program("sample", *words, "--length", "20", "--seed", "3", **more)


@unittest.skipUnless(Tokenizer, "no tokenizers")
class Texts(Case):
    def setUp(self):
        super().setUp()
        self.tokenizer = Tokenizer.from_str(json.dumps(bpe()))

    def test_go_on_as_their_tokens_do(self):
        text = "see the Bär"
        tokens = self.tokenizer.encode(text).ids
        self.assertEqual(tokens[0], 0)
        self.assertLess(len(tokens), len(text) + 1)
        numbers = self.sample("tiny.h5", "--tokens", ",".join(map(str, tokens)))
        wanted = self.tokenizer.decode([int(number) for number in numbers.split()])
        for model in ("tiny.toml", "tiny.h5"):
            found = self.sample(model, "--prompt", text)
            self.assertTrue(found.startswith(text), found)
            # An end in the midst of a character is not said.
            self.assertEqual(found.rstrip("\n"), wanted.rstrip("\ufffd"))
        if LAUNCHER:
            self.assertEqual(self.sample("tiny.h5", "--prompt", text, launcher=LAUNCHER), found)

    def test_go_on_after_training(self):
        (self.folder / "tiny.bin").write_bytes(struct.pack("<600H", *(i % 60 for i in range(600))))
        self.run_program("train", "tiny.toml", "--set", "training.steps=1", "--set",
                         "training.length=16", "--set", "training.evaluate_every=0")
        self.assertTrue(self.sample("runs/tiny", "--prompt", "the end").startswith("the end"))

    def test_shell_leaves_them_alone(self):
        (self.folder / "it's").mkdir()
        for file in ("tiny.h5", "tiny.tokenizer"):
            (self.folder / file).rename(self.folder / "it's" / file)
        found = self.sample("it's/tiny.h5", "--prompt", "a\"b'$c`d\\e *")
        self.assertTrue(found.startswith("abcde "), found)  # All else has no token.

    def test_are_said_as_they_come(self):
        vocabulary = bpe()["model"]["vocab"]
        with subprocess.Popen([sys.executable, SCRIPT, "decode", "tiny.tokenizer/tokenizer.json"],
                              cwd=self.folder, stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE) as child:
            def say(word):
                child.stdin.write(f"{vocabulary[word]} ".encode())
                child.stdin.flush()

            say("the")
            self.assertEqual(child.stdout.read(3), b"the")
            say("<s>")
            say("Ã")
            say("¤")
            self.assertEqual(child.stdout.read(2), "ä".encode())
            say("Ġthe")
            self.assertEqual(child.stdout.read(4), b" the")
            child.stdin.close()
            self.assertEqual(child.stdout.read(), b"\n")
            self.assertEqual(child.wait(), 0)

    def test_tokenizer_of_another_model(self):
        other = bpe()
        other["model"]["vocab"]["z"] = 60
        (self.folder / "tiny.tokenizer/tokenizer.json").write_text(json.dumps(other))
        self.assertIn("tiny.tokenizer/tokenizer.json: has a token 60, and the model only 60",
                      self.sample("tiny.h5", "--prompt", "z", status=1))

    def test_damaged_file(self):
        (self.folder / "tiny.tokenizer/tokenizer.json").write_text("{}")
        message = self.sample("tiny.h5", "--prompt", "a", status=1)
        self.assertIn("tiny.tokenizer/tokenizer.json: can't be read as a tokenizer", message)
        self.assertEqual(len(message.splitlines()), 1)


class Errors(Case):
    def test_missing_package(self):
        (self.folder / "tokenizers.py").write_text(
            "raise ModuleNotFoundError(\"No module named 'tokenizers'\")")
        message = self.sample("tiny.h5", "--prompt", "a", status=1, PYTHONPATH=str(self.folder))
        for part in ("No module named 'tokenizers'", "pip install 'tokenizers", "--tokens 5,7,9"):
            self.assertIn(part, message)
        self.assertEqual(len(message.splitlines()), 1)

    def test_missing_python(self):
        message = self.sample("tiny.h5", "--prompt", "a", status=1, KYRTOS_PYTHON="/nowhere/python")
        self.assertIn("Python 3 can't be run", message)
        self.assertIn("--tokens 5,7,9", message)

    def test_missing_file(self):
        (self.folder / "tiny.tokenizer/tokenizer.json").rename(self.folder / "elsewhere")
        message = self.sample("tiny.toml", "--prompt", "a", status=1)
        self.assertIn("tiny.tokenizer/tokenizer.json is missing", message)
        self.assertIn("--tokens 5,7,9", message)
        self.assertEqual(len(self.sample("tiny.toml", "--tokens", "5").split()), 21)


if __name__ == "__main__":
    result = unittest.main(argv=sys.argv[:1], exit=False).result
    if result.wasSuccessful() and Tokenizer is None:
        print(f"skipped: {missing}; pip install tokenizers")
        sys.exit(77)
    sys.exit(not result.wasSuccessful())
