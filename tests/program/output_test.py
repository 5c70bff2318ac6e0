# SPDX-FileCopyrightText: 2026 Kyrtos contributors
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What commands write: shown where it can't be written, never over what is not theirs, and into
devices and pipes: output_test.py PROGRAM [LAUNCHER…]."""

import json
import os
import shutil
import stat
import subprocess
import sys
import threading
import unittest
from pathlib import Path

from train_test import LAUNCHER, PROGRAM, InAFolder

try:
    import h5py
    import numpy
except ImportError:
    h5py = None

os.environ["KYRTOS_PYTHON"] = sys.executable  # draws and studies


class Outputs(InAFolder):
    def setUp(self):
        super().setUp()
        self.train("--set", "training.steps=2", "--set", "training.evaluate_every=0")
        self.checkpoint = next((self.folder / "run/checkpoints").glob("*.h5"))

    def fails(self, *words, says, out=False):
        """Exit code 1, with these words on standard error; the standard output on request."""
        done = subprocess.run([PROGRAM, *words], cwd=self.folder, capture_output=True, text=True,
                              encoding="utf-8", timeout=100)
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        self.assertIn(says, done.stderr)
        return done.stdout if out else done.stderr

    def curvature(self, *words, **how):
        fixed = ("curvature", "run", "--top", "1", "--smallest", "0", "--max-hvps", "6")
        return self.fails(*fixed, *words, **how) if how else self.run_program(*fixed, *words)

    def assert_kept(self, path, *words, says="choose another"):
        """The command refuses to replace the file."""
        before = path.read_bytes()
        self.fails(*words, says=says)
        self.assertEqual(path.read_bytes(), before)


class Curvature(Outputs):
    def test_what_was_computed_is_shown(self):
        self.assertEqual(self.curvature("--out", "/no/such/x.h5", says="/no/such/x.h5", out=True),
                         "")  # known before the work
        text = self.curvature("--out", "/dev/full", says="/dev/full", out=True)
        self.assertIn("largest", text)
        self.assertNotIn("written to", text)
        found = json.loads(self.curvature("--out", "/dev/full", "--json", says="full", out=True))
        self.assertEqual(len(found["eigenvalues"]["largest"]), 1)

    def test_devices_and_links(self):
        self.curvature("--out", "/dev/null")
        self.assertTrue(stat.S_ISCHR(os.stat("/dev/null").st_mode))
        (self.folder / "link.h5").symlink_to("elsewhere.h5")
        for _ in range(2):  # made, then replaced
            self.curvature("--out", "link.h5")
            self.assertTrue((self.folder / "link.h5").is_symlink())
            self.assertFalse((self.folder / "elsewhere.h5").is_symlink())
        self.assertFalse(list(self.folder.glob("*.partial")))

    def test_pipes(self):
        pipe, got = self.folder / "pipe", []
        os.mkfifo(pipe)
        reader = threading.Thread(target=lambda: got.append(pipe.read_bytes()))
        reader.start()
        self.curvature("--out", "pipe")
        reader.join(timeout=20)
        self.assertEqual(got[0][:4], b"\x89HDF")
        self.assertTrue(stat.S_ISFIFO(pipe.stat().st_mode))

    def test_a_directory(self):
        self.curvature("--out", "run", says="is a directory", out=True)


class OtherCommands(Outputs):
    def test_sample_prints_to_devices(self):
        self.run_program("sample", "run", "--length", "3")

    def test_bench_keeps_other_files(self):
        notes = self.folder / "notes.json"
        notes.write_text('{"mine": 1}')
        self.assert_kept(notes, "bench", "--suite", "smoke", "--json", "notes.json")
        self.fails("bench", "--suite", "smoke", "--json", "/no/such/x.json", says="/no/such")

    def test_plot_keeps_other_files(self):
        try:
            import h5py, matplotlib  # noqa: F401, E401
        except ImportError:
            self.skipTest("needs h5py and matplotlib")
        picture = self.folder / "mine.svg"
        picture.write_text("<svg/>")
        self.assert_kept(picture, "plot", "run", "--output", "mine", says="is there already")
        self.assertFalse((self.folder / "mine.png").exists())
        self.run_program("plot", "run", "--output", "/dev/null")
        self.assertTrue(stat.S_ISCHR(os.stat("/dev/null").st_mode))
        for _ in range(2):
            self.run_program("plot", "run", "--output", "own")

    def test_export_and_import_keep_other_files(self):
        foreign = self.folder / "model.safetensors"
        shutil.copy(self.folder / "text.txt", foreign)
        self.assert_kept(foreign, "export", "run", "--output", "model.safetensors")
        self.assert_kept(self.checkpoint, "export", "run", "--output", str(self.checkpoint),
                         says="input")
        self.assert_kept(foreign, "export", "run", "--output", "m", "--config", str(foreign))
        for _ in range(2):
            self.run_program("export", "run", "--output", "m", "--config", "config.json")
        self.assert_kept(self.checkpoint, "import", "m", "--output", str(self.checkpoint))
        for _ in range(2):
            self.run_program("import", "m", "--output", "imported.h5")
        self.run_program("import", "m", "--output", "/dev/null")
        self.assertFalse(os.path.exists("/dev/null.toml"))
        self.assertTrue(stat.S_ISCHR(os.stat("/dev/null").st_mode))

    def test_study_keeps_other_files(self):
        try:
            import h5py, matplotlib, tomllib  # noqa: F401, E401
        except ImportError:
            self.skipTest("needs Python 3.11, h5py and matplotlib")
        (self.folder / "study.toml").write_text(
            'title = "t"\nclaim = "c"\nanalysis = "curves"\n[base]\ndata.train = "text.txt"\n'
            "[quick]\n")
        (self.folder / "mine").mkdir()
        notes = self.folder / "mine/report.md"
        notes.write_text("my notes")
        self.assert_kept(notes, "study", "study.toml", "--output", "mine")


@unittest.skipUnless(h5py, "needs h5py")
class Hvp(Outputs):
    def setUp(self):
        super().setUp()
        random = numpy.random.default_rng(1)
        with h5py.File(self.checkpoint) as file:
            self.vector = {name: random.standard_normal(value.shape)
                           for name, value in file["parameters"].items()}
        self.write("V.h5", self.vector)
        with h5py.File(self.folder / "B.h5", "w") as file:
            file["tokens"] = random.integers(0, 256, (2, 9)).astype("int32")

    def write(self, name, vector, prefix=""):
        with h5py.File(self.folder / name, "w") as file:
            for segment, value in vector.items():
                file[prefix + segment] = value

    def words(self, out="O.h5", vector="V.h5", checkpoint="run"):
        return ("hvp", "--checkpoint", checkpoint, "--batch", "B.h5", "--vector", vector, "--out",
                out)

    def test_only_its_own_results_are_replaced(self):
        for name in (str(self.checkpoint), "B.h5", "V.h5", "text.txt"):
            self.assert_kept(self.folder / name, *self.words(name))
        self.run_program(*self.words())
        self.run_program(*self.words())  # over its own
        self.run_program(*self.words("next.h5", "O.h5"))  # a result is a direction
        self.assert_kept(self.folder / "next.h5", *self.words("next.h5", "next.h5"))
        (self.folder / "link.h5").symlink_to("V.h5")
        self.assert_kept(self.folder / "V.h5", *self.words("link.h5"))

    def test_the_loss_is_shown(self):
        self.assertIn("loss ", self.fails(*self.words("/dev/full"), says="/dev/full", out=True))
        self.assertEqual(self.fails(*self.words("/no/such/O.h5"), says="/no/such", out=True), "")
        self.run_program(*self.words("/dev/null"), launcher=LAUNCHER)

    def test_values_that_are_no_numbers(self):
        broken = {name: value.copy() for name, value in self.vector.items()}
        broken["blocks.1.mlp.up.weight"][3, 2] = numpy.nan
        self.write("nan.h5", broken)
        self.fails(*self.words(vector="nan.h5"), says="'blocks.1.mlp.up.weight' holds NaN")
        shutil.copy(self.checkpoint, self.folder / "nan-model.h5")
        with h5py.File(self.folder / "nan-model.h5", "r+") as file:
            values = file["parameters/final_norm.weight"]
            values[5] = numpy.nan
            del values.attrs["checksum"]
            file.attrs["writer"] = "a test"
        for words in (self.words(checkpoint="nan-model.h5"), ("sample", "nan-model.h5"),
                      ("curvature", "nan-model.h5"), ("export", "nan-model.h5", "--output", "m")):
            self.fails(*words, says="'final_norm.weight' holds NaN")
        self.run_program("export", "run", "--output", "m", "--dtype", "F32", "--config",
                         "config.json")
        bytes_ = bytearray((self.folder / "m").read_bytes())
        bytes_[-4:] = b"\x00\x00\xc0\x7f"
        (self.folder / "m").write_bytes(bytes_)
        self.fails("import", "m", "--output", "i.h5", says="holds NaN")

    def test_entries_that_mean_nothing(self):
        self.write("more.h5", self.vector | {"junk": numpy.zeros(3)})
        said = self.fails(*self.words(vector="more.h5"), says="junk")
        self.assertNotIn("//", said)
        self.write("beside.h5", {f"vector/{k}": v for k, v in self.vector.items()}
                   | {"junk": numpy.zeros(3)})
        self.fails(*self.words(vector="beside.h5"), says="'junk' beside the group 'vector'")
        self.write("named.h5", self.vector, prefix="direction/")
        self.fails(*self.words(vector="named.h5"), says="a group 'direction'")
        self.write("short.h5", {"embedding.token.weight": numpy.zeros((2, 2))}
                   | {k: v for k, v in self.vector.items() if k != "embedding.token.weight"})
        self.assertNotIn("//", self.fails(*self.words(vector="short.h5"), says="shape"))

    def test_help(self):
        said = self.run_program("hvp", "--help")
        for word in ("negative", "ignored", "'vector'", "'parameters'"):
            self.assertIn(word, said)


if __name__ == "__main__":
    unittest.main(argv=["output_test.py"])
