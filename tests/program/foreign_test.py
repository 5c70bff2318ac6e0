# SPDX-FileCopyrightText: 2026 Kyrtos contributors
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Gives every reader of `kyrtos` files of others, which it must name in one line: foreign_test.py
PROGRAM. With KYRTOS_TEST_FOREIGN=all each reader gets each file (some minutes), else two of them."""

import bz2
import gzip
import io
import json
import lzma
import os
import pickle
import subprocess
import sys
import tarfile
import tempfile
import unittest
import zipfile
from pathlib import Path

try:
    import h5py
    import numpy
except ImportError:
    sys.exit(77)

PROGRAM = os.path.abspath(sys.argv[1])
ALL = os.environ.get("KYRTOS_TEST_FOREIGN") == "all"
CONFIG = """
model = { depth = 1, width = 16, heads = 2, context = 16 }
data.train = "text.txt"
training = { steps = 2, batch = 2, evaluate_every = 0 }
output.directory = "run"
"""
WORDS = b"Some words that are no file of Kyrtos, and no tokens either. "


def zipped(**members):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in members.items():
            archive.writestr(name.replace("__", "/").replace("_", "."), data)
    return buffer.getvalue()


def tarred():
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        member = tarfile.TarInfo("model.bin")
        member.size = len(WORDS)
        archive.addfile(member, io.BytesIO(WORDS))
    return buffer.getvalue()


def saved(save, *words, **more):
    buffer = io.BytesIO()
    save(buffer, *words, **more)
    return buffer.getvalue()


def foreign_files():
    """Name: (contents, what it is called)."""
    index = {"metadata": {"total_size": 8}, "weight_map": {"wte.weight": "model-00001.safetensors"}}
    return {
        "words.gz": (gzip.compress(WORDS), "a gzip file"),
        "words.bz2": (bz2.compress(WORDS), "a bzip2 file"),
        "words.xz": (lzma.compress(WORDS), "an xz file"),
        "words.zst": (b"\x28\xb5\x2f\xfd\x04\x00" + WORDS, "a zstd file"),
        "words.zip": (zipped(words_txt=WORDS), "a zip archive"),
        "model.tar": (tarred(), "a tar archive"),
        "model.pt": (zipped(archive__data_pkl=pickle.dumps({})), "a PyTorch file"),
        "model.pkl": (pickle.dumps({"weight": [1.0] * 9}), "a Python pickle"),
        "old.pkl": (pickle.dumps({"weight": [1.0] * 9}, protocol=2), "a Python pickle"),
        "arrays.npz": (saved(numpy.savez, a=numpy.ones(9)), "NumPy arrays (.npz)"),
        "image.png": (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(90), "a PNG image"),
        "photo.jpg": (b"\xff\xd8\xff\xe0\0\x10JFIF" + bytes(90), "a JPEG image"),
        "paper.pdf": (b"%PDF-1.5\n%\xd0\xd4\n" + WORDS, "a PDF document"),
        "program": (Path(PROGRAM).read_bytes()[:5000], "a program or library (ELF)"),
        "model.gguf": (b"GGUF\3\0\0\0" + bytes(90), "a GGUF model"),
        "table.parquet": (b"PAR1" + bytes(90), "a Parquet table"),
        "pointer": (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n",
                    "a pointer of git LFS"),
        "page.html": (b"<!DOCTYPE html><html><title>404</title></html>", "a web page (HTML)"),
        "denied.xml": (b'<?xml version="1.0"?><Error>AccessDenied</Error>', "XML"),
        "model.safetensors.index.json": (json.dumps(index, indent=2).encode(),
                                         "the index of a model's safetensors files (JSON)"),
        "list.json": (b'[{"step": 1}]', "JSON"),
        "words.txt": (WORDS, "plain text"),
        "latin.txt": ("Größe und Maß\n".encode("latin-1") * 9, "text that is not UTF-8"),
        "windows.toml": (CONFIG.encode("utf-16"), "UTF-16 text"),
        "zeros": (bytes(9000), "nothing but zeros"),
        "noise": (bytes(range(1, 256)) * 9, "binary data of no known format"),
        "array.npy": (saved(numpy.save, numpy.ones((3, 3))), "NumPy"),
        "empty": (b"", "is empty"),
        "folder": (None, "is a directory"),
        "absent": (None, "No such file or directory"),
    }


READERS = {
    "configuration": ("train", "FILE"),
    "plan": ("plan", "FILE"),
    "training data": ("train", "run.toml", "--set", "data.train=FILE", "--set",
                      "output.directory=other"),
    "validation data": ("train", "run.toml", "--set", "data.validation=FILE", "--set",
                        "output.directory=other"),
    "tokens": ("train", "run.toml", "--set", "data.train=FILE", "--set", "data.format=tokens",
               "--set", "output.directory=other"),
    "first parameters": ("train", "run.toml", "--set", "training.start=FILE", "--set",
                         "output.directory=other"),
    "info": ("info", "FILE"),
    "sample": ("sample", "FILE"),
    "curvature": ("curvature", "FILE"),
    "turn": ("turn", "FILE"),
    "export": ("export", "FILE", "--output", "out.safetensors"),
    "hvp of": ("hvp", "--checkpoint", "FILE", "--batch", "B.h5", "--vector", "V.h5", "--out",
               "O.h5"),
    "hvp on": ("hvp", "--checkpoint", "run", "--batch", "FILE", "--vector", "V.h5", "--out",
               "O.h5"),
    "hvp along": ("hvp", "--checkpoint", "run", "--batch", "B.h5", "--vector", "FILE", "--out",
                  "O.h5"),
    "import": ("import", "FILE", "--config", "config.json", "--output", "out.h5"),
    "import as": ("import", "model.safetensors", "--config", "FILE", "--output", "out.h5"),
    "plot": ("plot", "FILE"),
    "spectrum": ("plot", "--spectrum", "FILE"),
    "study": ("study", "FILE"),
    "comparison": ("bench", "compare", "FILE", "FILE"),
}
# What a reader takes, or has words of its own for.
DIRECTORIES = {"import", "info", "sample", "curvature", "turn", "export", "hvp of", "plot",
               "first parameters"}
TEXT = {"configuration": {"words.txt"}, "plan": {"words.txt"}, "study": {"words.txt"},
        "plot": {"list.json"}, "comparison": {"list.json"}, "import as": {"list.json"}}
for data in ("training data", "validation data"):
    TEXT[data] = {"page.html", "denied.xml", "model.safetensors.index.json", "list.json",
                  "words.txt", "latin.txt", "windows.toml", "zeros", "noise"}
TEXT["tokens"] = {"latin.txt", "windows.toml", "zeros", "noise"}


class Foreign(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        for name, (contents, _) in foreign_files().items():
            if contents is not None:
                (self.folder / name).write_bytes(contents)
        (self.folder / "folder").mkdir()

    def run_program(self, *words):
        return subprocess.run([PROGRAM, *words], cwd=self.folder, capture_output=True, text=True,
                              encoding="utf-8", timeout=100)

    def make_good_files(self):
        (self.folder / "run.toml").write_text(CONFIG)
        (self.folder / "text.txt").write_bytes(WORDS * 20)
        for words in (("train", "run.toml"),
                      ("export", "run", "--output", "model.safetensors", "--config", "config.json")):
            done = self.run_program(*words)
            self.assertEqual(done.returncode, 0, done.stderr)
        checkpoint = next((self.folder / "run/checkpoints").glob("step-*.h5"))
        with h5py.File(self.folder / "B.h5", "w") as file:
            file["tokens"] = numpy.ones((2, 17), "int32")
        with h5py.File(checkpoint) as source, h5py.File(self.folder / "V.h5", "w") as file:
            for name, values in source["parameters"].items():
                file[name] = values[()]

    def test_every_reader(self):
        self.make_good_files()
        files, tried = foreign_files(), set()
        for i, (reader, words) in enumerate(READERS.items()):
            names = [name for name in files if name not in TEXT.get(reader, ())
                     and (name != "folder" or reader not in DIRECTORIES)]
            chosen = names if ALL else [name for name in names if name not in tried][:2] or names[i:i + 1]
            for name in chosen:
                tried.add(name)
                with self.subTest(reader=reader, file=name):
                    self.check(words, name, files[name][1])
        self.assertEqual(tried, set(files))

    def check(self, words, name, description):
        done = self.run_program(*(word.replace("FILE", name) for word in words))
        lines = done.stderr.strip().splitlines()
        if done.returncode == 2:  # as the command line is read
            self.assertRegex(lines[0], "not exist|is actually a directory")
            return
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        self.assertEqual(len(lines), 1, done.stderr)
        self.assertTrue(lines[0].startswith(f"kyrtos: {name}: "), lines[0])
        self.assertIn(description, lines[0])


if __name__ == "__main__":
    unittest.main(argv=["foreign_test.py"], verbosity=2)
