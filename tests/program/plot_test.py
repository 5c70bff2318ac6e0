# SPDX-FileCopyrightText: 2026 Kyrtos contributors
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Runs the scripts of `kyrtos plot` on imitated records."""

import os
import re
import runpy
import struct
import subprocess
import sys
import tempfile
import traceback
import unittest
import xml.etree.ElementTree
from pathlib import Path

sys.dont_write_bytecode = True  # The source tree stays as it is.
HERE = Path(__file__).resolve().parent
SCRIPT = HERE.parents[1] / "apps/kyrtos/plot"
sys.path.insert(0, str(SCRIPT.parent))
try:
    import h5py
    import matplotlib  # noqa: F401
    import numpy as np
    from imitated_run import (PARTS, imitate, some_steps, with_signals, without_curvature,
                              without_values, write_h5, write_jsonl, write_spectrum)
    import plot.draw  # noqa: F401, so that copies of this process have it
    from plot.record import read_run
except ImportError as fault:
    print(f"skipped: {fault}")
    sys.exit(77)  # What CTest takes for a test that was not run.


def become_script(words, out, err):
    """In a copy of this process, which need not import anything again: never returns."""
    os.dup2(out.fileno(), 1)
    os.dup2(err.fileno(), 2)
    sys.argv = [str(SCRIPT), *words]
    code = 0
    try:
        runpy.run_path(str(SCRIPT), run_name="__main__")
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
    except BaseException:
        traceback.print_exc()
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def script(words, folder, environment):
    """(exit code, output, errors) of the script; of a new interpreter where its environment counts."""
    if environment:
        done = subprocess.run([sys.executable, SCRIPT, *words], cwd=folder, capture_output=True,
                              text=True, encoding="utf-8",
                              env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1", **environment})
        return done.returncode, done.stdout, done.stderr
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        child = os.fork()
        if child == 0:
            os.chdir(folder)
            become_script(words, out, err)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        texts = []
        for file in (out, err):
            file.seek(0)
            texts.append(file.read().decode())
        return code, *texts


class Plot(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def plot(self, *words, status=0, **environment):
        """What the script prints; for an expected error, its one line."""
        code, output, errors = script(list(map(str, words)), self.folder, environment)
        self.assertEqual(code, status, errors)
        self.assertNotIn("Traceback", errors)
        if status == 1:
            self.assertEqual(output, "")
            self.assertRegex(errors, r"\Akyrtos plot: [^\n]+\n\Z")
        return errors if status else output

    def picture(self, base):
        """Checks base.png and base.svg; the texts in the latter."""
        png, svg = (Path(f"{base}{suffix}").read_bytes() for suffix in (".png", ".svg"))
        self.assertEqual(png[:8], b"\x89PNG\r\n\x1a\n")
        self.assertEqual(png[-8:-4], b"IEND")
        width, height = struct.unpack(">II", png[16:24])
        self.assertEqual(width, 1200)
        self.assertGreater(height, 400)
        self.assertGreater(len(png), 10000)
        self.assertGreater(len(svg), 10000)
        self.assertTrue(xml.etree.ElementTree.fromstring(svg).tag.endswith("svg"))
        return re.findall("<!-- (.+) -->", svg.decode())  # Beside the outlines of its letters.

    def assert_shows(self, texts, *labels):
        self.assertEqual([label for label in labels if label not in texts], [])

    def assert_lacks(self, texts, *labels):
        self.assertEqual([label for label in labels if label in texts], [])


class OneRun(Plot):
    def test_shows_everything(self):
        run, columns = self.folder / "growing", imitate(400)
        write_h5(run, columns)
        self.assertEqual(self.plot(run).split(), [f"{run}/plot.png", f"{run}/plot.svg"])
        lost = (columns["quality"] == "lost").sum()
        self.assert_shows(self.picture(run / "plot"), "growing · depth 6 · width 128", "step",
                          "loss", "training", "running mean", "validation", "sharpness λ",
                          "preconditioned Hessian", "converged", "following",
                          "stability threshold", f"lost ({lost} steps)", "learning rate",
                          "active depth")

    def test_shows_what_a_probe_on_the_batch_measures(self):
        write_h5(self.folder / "run", with_signals(imitate(200)))
        self.plot("run")
        self.assert_shows(self.picture(self.folder / "run/plot"), "sharpness / threshold",
                          "along the update", "parabola", "actual", "0.attention", "0.mlp",
                          "λ of each part alone, white 50 to blue 2e+02")

    def test_shows_what_checks_found(self):
        columns = imitate(200)
        columns["lambda_held_out"] = np.where(columns["step"] % 50 == 0, 900.0, np.nan)
        columns["lambda_held_out_error"] = columns["lambda_held_out"] / 10
        write_h5(self.folder / "run", columns)
        run = read_run(self.folder / "run")
        np.testing.assert_array_equal(run.held_out, columns["lambda_held_out"])
        np.testing.assert_array_equal(run.held_out_error, columns["lambda_held_out_error"])
        self.plot("run")
        self.assert_shows(self.picture(self.folder / "run/plot"), "held out ± standard error")
        write_h5(self.folder / "unchecked", imitate(200))
        self.plot("unchecked")
        self.assert_lacks(self.picture(self.folder / "unchecked/plot"),
                          "held out ± standard error")

    def test_panels_that_are_asked_for(self):
        write_h5(self.folder / "run", with_signals(imitate(200)))
        self.plot("run", "--panels", "ratios,part_lambda")
        texts = self.picture(self.folder / "run/plot")
        self.assert_shows(texts, "0.attention")
        self.assert_lacks(texts, "loss", "parabola", "learning rate")
        self.assertIn("it has loss, sharpness, ratios, parabola, mass, part_lambda, rate",
                      self.plot("run", "--panels", "width", status=1))

    def test_repeats_byte_by_byte(self):
        write_h5(self.folder / "run", imitate(100))
        self.plot("run", "--output", "a")
        self.plot("run/run.h5", "--output", "b.svg")
        for suffix in (".png", ".svg"):
            self.assertEqual(Path(f"{self.folder}/a{suffix}").read_bytes(),
                             Path(f"{self.folder}/b{suffix}").read_bytes(), suffix)

    def test_title_and_place(self):
        write_jsonl(self.folder / "run", imitate(100))
        self.plot("run/metrics.jsonl", "--output", "new/picture", "--title", "costs $1 or $2")
        self.assert_shows(self.picture(self.folder / "new/picture"), "costs $1 or $2")

    def test_leaves_out_what_there_is_not(self):
        write_h5(self.folder, without_curvature(imitate(200, growth=())))
        self.plot(".")
        texts = self.picture(self.folder / "plot")
        self.assert_shows(texts, "loss", "learning rate")
        self.assert_lacks(texts, "sharpness λ", "stability threshold", "active depth")

    def test_one_step(self):
        write_h5(self.folder, some_steps(imitate(), 1))
        self.plot(self.folder)
        self.assert_shows(self.picture(self.folder / "plot"), "loss", "sharpness λ")

    def test_says_where_nothing_was_measured(self):
        write_h5(self.folder, without_values(imitate(100)))
        self.plot(self.folder)
        self.assert_shows(self.picture(self.folder / "plot"), "no finite loss", "no estimate",
                          "lost (100 steps)")


class SeveralRuns(Plot):
    def test_legend_has_their_names(self):
        for seed, name in enumerate(("calm", "_wild$")):
            write_h5(self.folder / name, imitate(150, seed=seed))
        self.assertEqual(self.plot("calm", "_wild$").split(),
                         ["kyrtos-plot.png", "kyrtos-plot.svg"])
        self.assert_shows(self.picture(self.folder / "kyrtos-plot"), "calm", " _wild$",
                          "stability threshold")

    def test_same_names_become_paths(self):
        for parent in ("a", "b"):
            write_h5(self.folder / parent / "run", imitate(50))
        self.plot("a/run", "b/run", "--output", "both")
        self.assert_shows(self.picture(self.folder / "both"), "a/run", "b/run")


class Records(Plot):
    def steps(self):
        return len(read_run(self.folder).step)

    def both(self, h5_steps, jsonl_steps, h5_age):
        write_h5(self.folder, imitate(h5_steps))
        write_jsonl(self.folder, imitate(jsonl_steps))
        now = (self.folder / "metrics.jsonl").stat().st_mtime
        os.utime(self.folder / "run.h5", (now - h5_age, now - h5_age))

    def test_newest_record_counts(self):
        self.both(60, 50, h5_age=-1)
        self.assertEqual(self.steps(), 60)
        self.both(50, 60, h5_age=-1)
        self.assertEqual(self.steps(), 60, "run.h5 is shorter")
        self.both(60, 50, h5_age=1)
        self.assertEqual(self.steps(), 50, "run.h5 is from before the run was taken up again")
        (self.folder / "run.h5").write_text("damaged")
        os.utime(self.folder / "run.h5")
        self.assertEqual(self.steps(), 50)

    def test_both_formats_say_the_same(self):
        columns = imitate(300)
        write_h5(self.folder / "a", columns)
        write_jsonl(self.folder / "b", columns)
        a, b = read_run(self.folder / "a"), read_run(self.folder / "b/metrics.jsonl")
        for name in ("step", "loss", "validation", "rate", "depth", "sharpness", "ratio"):
            np.testing.assert_array_equal(getattr(a, name), getattr(b, name), name)
        self.assertEqual(a.quality.tolist(), b.quality.tolist())

    def test_both_formats_say_the_same_of_parts(self):
        columns = with_signals(imitate(40))
        write_h5(self.folder / "a", columns)
        write_jsonl(self.folder / "b", columns)
        for record in (self.folder / "a", self.folder / "b/metrics.jsonl"):
            run = read_run(record)
            np.testing.assert_array_equal(run.along, columns["directional_ratio"])
            for name in ("mass", "part_lambda"):
                parts, values = run.by_part[name]
                self.assertEqual(parts, list(PARTS))
                np.testing.assert_array_equal(values, list(columns[name].values()))

    def test_line_torn_by_a_kill_is_passed_over(self):
        write_jsonl(self.folder, imitate(20))
        with open(self.folder / "metrics.jsonl", "a", encoding="utf-8") as file:
            file.write('{"step": 21, "lo')
        self.assertEqual(self.steps(), 20)

    def test_threshold_goes_on_where_the_estimate_is_lost(self):
        columns = imitate(500)
        write_h5(self.folder, columns)
        self.assertIn("lost", columns["quality"])
        np.testing.assert_allclose(read_run(self.folder).threshold(), 38 / columns["learning_rate"])

    def test_growth_is_where_the_depth_changes(self):
        write_h5(self.folder, imitate(100, growth=(0.3, 0.6)))
        self.assertEqual(read_run(self.folder).grown.tolist(), [31, 61])


class Spectrum(Plot):
    def test_shows_density_and_eigenvalues(self):
        write_spectrum(self.folder / "s.h5")
        self.assertEqual(self.plot("--spectrum", "s.h5").split(), ["s.png", "s.svg"])
        self.assert_shows(self.picture(self.folder / "s"), "eigenvalue", "density",
                          "density ± standard error", "largest eigenvalues",
                          "smallest eigenvalues", f"{self.folder.name} · spectral density")

    def test_needs_a_spectrum(self):
        write_h5(self.folder, imitate(10))
        self.assertIn("run.h5: there is no dataset spectrum/grid",
                      self.plot("--spectrum", "run.h5", status=1))


class Series(Plot):
    def test_shows_both_ends_and_single_batches(self):
        with h5py.File(self.folder / "c.h5", "w") as file:
            file.attrs["matrix"] = np.bytes_("gauss_newton")
            for name in ("largest", "smallest", "batch_mean"):
                file[f"series/{name}"] = np.array([1.0, 3.0, 2.0])
            for name in ("largest_residual", "smallest_residual", "batch_standard_error"):
                file[f"series/{name}"] = np.array([1e-3, 1e-2, 1e-1])
            file["series/step"] = np.array([0.0, 512.0, np.nan])
        self.assertEqual(self.plot("--series", "c.h5").split(), ["c.png", "c.svg"])
        self.assert_shows(self.picture(self.folder / "c"), "eigenvalue", "step",
                          "largest eigenvalue ± residual", "smallest eigenvalue ± residual",
                          "mean of single batches ± standard error",
                          f"{self.folder.name} · gauss newton")

    def test_needs_a_series(self):
        write_h5(self.folder, imitate(10))
        self.assertIn("run.h5: there is no dataset series/largest",
                      self.plot("--series", "run.h5", status=1))


class Errors(Plot):
    def test_name_the_file_and_the_fix(self):
        folder = self.folder
        (folder / "empty").mkdir()
        write_h5(folder / "stepless", some_steps(imitate(10), 0))
        write_jsonl(folder / "broken", imitate(3))
        with open(folder / "broken/metrics.jsonl", "a", encoding="utf-8") as file:
            file.write("[1]\n{}\n")
        (folder / "text.h5").write_text("text")
        write_spectrum(folder / "spectrum.h5")
        for words, message in [
                (["nowhere"], "nowhere: no such file or directory"),
                (["empty"], "empty: holds neither run.h5 nor metrics.jsonl"),
                (["stepless"], "stepless/run.h5: holds no step yet"),
                (["broken"], "broken/metrics.jsonl:4: not the JSON object of a step; remove"),
                (["text.h5"], "text.h5: can't be read as HDF5"),
                (["spectrum.h5"], "spectrum.h5: not the record of a run")]:
            self.assertIn(message, self.plot(*words, status=1))

    def test_unwritable_place(self):
        write_h5(self.folder, imitate(10))
        self.assertIn("run.h5/plot.png: can't be written",
                      self.plot(".", "--output", "run.h5/plot", status=1))

    def test_usage(self):
        for words in ([], ["run", "--spectrum", "file"]):
            self.assertIn("name either runs or", self.plot(*words, status=2))

    def test_missing_packages(self):
        for package in ("h5py", "matplotlib"):
            folder = self.folder / package
            folder.mkdir()
            (folder / f"{package}.py").write_text(
                f"raise ModuleNotFoundError(\"No module named '{package}'\")")
            message = self.plot("run", status=1, PYTHONPATH=str(folder))
            self.assertIn(f"No module named '{package}'", message)
            self.assertIn("apt install python3-h5py python3-matplotlib", message)
            self.assertIn("pip install h5py matplotlib", message)


if __name__ == "__main__":
    unittest.main()
