# SPDX-FileCopyrightText: 2026 Kyrtos contributors
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The Python package against the program, against SciPy, and against closed forms:
package_test.py PROGRAM, with KYRTOS_LIBRARY in the environment."""

import json
import os
import subprocess
import sys
import tempfile
import threading
import unittest
from pathlib import Path

sys.dont_write_bytecode = True  # The source tree stays as it is.
ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "apps/python"))
try:
    import h5py
    import numpy as np
    from scipy.sparse.linalg import LinearOperator, eigsh
except ImportError as fault:
    print(f"skipped: {fault}")
    sys.exit(77)
import kyrtos

PROGRAM = sys.argv[1]
CONFIG = """
model = { preset = "gpt2", vocabulary = 61, depth = 2, width = 12, heads = 3, context = 8 }
data = { train = "tokens.bin", validation_fraction = 0.0 }
training = { steps = 4, batch = 2, length = 8, evaluate_every = 0, precision = "float64", seed = 5 }
schedule.peak = 1e-2
curvature = { probe = "fixed", probe_sequences = 1 }
output = { directory = "run", checkpoint_every = 2, keep_checkpoints = 0 }
"""


class Case(unittest.TestCase):
    """A run of four steps, whose only possible window of tokens is `tokens`."""

    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.folder = Path(folder.name)
        cls.tokens = (np.arange(9, dtype=np.uint16) ** 2 % 61)[None, :]
        cls.tokens.tofile(cls.folder / "tokens.bin")
        (cls.folder / "run.toml").write_text(CONFIG)
        cls.program("train", "run.toml")
        cls.model = kyrtos.Model.load(cls.folder / "run", "float64")
        cls.batch = kyrtos.Batch.of_tokens(cls.tokens)

    @classmethod
    def program(cls, *words):
        done = subprocess.run([PROGRAM, *words], cwd=cls.folder, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    @classmethod
    def curvature(cls, *words):
        return json.loads(cls.program("curvature", "run", "--json", "--out", "result.h5", *words))

    def vector(self, seed=0):
        return np.random.default_rng(seed).standard_normal(self.model.size)

    def read(self, file, group):
        with h5py.File(self.folder / file) as f:
            return np.concatenate([f[group][name][()].ravel() for name in self.model.segments])


class Numbers(Case):
    """They equal the program's bit by bit."""

    def test_product_gradient_and_loss(self):
        u = self.vector()
        with h5py.File(self.folder / "u.h5", "w") as file:
            for name, values in self.model.named(u).items():
                file[name] = values
        rows = np.concatenate([self.tokens, (self.tokens + 7) % 61])
        with h5py.File(self.folder / "batch.h5", "w") as file:
            file["tokens"] = rows.astype(np.int32)
        for precision in ("float32", "float64"):
            self.program("hvp", "--checkpoint", "run", "--batch", "batch.h5", "--vector", "u.h5",
                         "--out", "hu.h5", "--precision", precision)
            model = kyrtos.Model.load(self.folder / "run", precision)
            batch = kyrtos.Batch.of_tokens(rows)
            loss, gradient = model.gradient(batch)
            self.assertEqual(gradient.dtype, precision)
            np.testing.assert_array_equal(gradient, self.read("hu.h5", "gradient"))
            np.testing.assert_array_equal(model.hvp(u, batch), self.read("hu.h5", "hvp"))
            np.testing.assert_array_equal(model.hessian(batch) @ u, self.read("hu.h5", "hvp"))
            with h5py.File(self.folder / "hu.h5") as file:
                self.assertEqual(loss, file["loss"][()])
            self.assertEqual(model.loss(batch), loss)

    def test_eigenvalues_of_each_matrix(self):
        for matrix, operator in (("hessian", self.model.hessian),
                                 ("gauss_newton", self.model.gauss_newton),
                                 ("preconditioned", self.model.preconditioned)):
            # The program counts the products for residuals, one for each eigenvalue, among the most.
            found = self.curvature("--matrix", matrix, "--top", "2", "--smallest", "1", "--max-hvps",
                                   "63")["eigenvalues"]
            wanted = [(pair["value"], pair["residual"]) for pair in found["largest"] + found["smallest"]]
            mine = operator(self.batch).eigenvalues(2, 1, max_hvps=60, seed=5)
            self.assertEqual(mine, wanted, matrix)

    def test_power_iteration(self):
        found = self.curvature("--method", "power", "--max-hvps", "2000")["eigenvalues"]["largest"][0]
        pair, vector = self.model.hessian(self.batch).power_iteration("largest", max_hvps=2000, seed=5)
        self.assertEqual(pair, (found["value"], found["residual"]))
        self.assertAlmostEqual(np.linalg.norm(vector), 1)

    def test_spectral_density(self):
        found = self.curvature("--top", "0", "--smallest", "0", "--spectrum", "--spectrum-probes",
                               "2", "--spectrum-steps", "12")["spectrum"]
        mine = self.model.hessian(self.batch).spectral_density(2, 12, seed=5)
        for name in ("grid", "density", "standard_error"):
            self.assertEqual(getattr(mine, name).tolist(), found[name])
        self.assertEqual((mine.width, mine.hvps), (found["width"], found["hvps"]))
        np.testing.assert_allclose(mine.weights.sum(axis=1), 1)

    def test_the_sharpness_that_training_followed(self):
        run = kyrtos.read_run(self.folder / "run")
        mine = self.model.preconditioned(self.batch).largest_eigenvalue()
        last = run["lambda"][-1]
        self.assertAlmostEqual(last, mine.value, delta=2 * run["residual"][-1] * mine.value)


class Models(Case):
    def test_parameters_are_the_model_s_own(self):
        model = kyrtos.Model.load(self.folder / "run", "float64")
        before = model.loss(self.batch)
        named = model.named(model.parameters)
        np.testing.assert_array_equal(model.parameters, self.read("run/checkpoints/step-00000004.h5",
                                                                  "parameters"))
        name = next(iter(named))
        self.assertEqual(named[name].shape, model.segments[name].shape)
        named[name][...] *= 1.5
        self.assertNotEqual(model.loss(self.batch), before)
        named[name][...] /= 1.5
        self.assertAlmostEqual(model.loss(self.batch), before, places=12)

    def test_arrays_of_any_layout_give_the_same(self):
        wanted, gradient = self.model.gradient(self.batch)
        inputs, targets = self.batch.inputs, self.batch.targets
        for change in (np.asfortranarray, lambda a: np.repeat(a, 2, axis=1)[:, ::2],
                       lambda a: a[:, ::-1].copy()[:, ::-1], lambda a: a.astype(">i4"),
                       lambda a: a.astype(np.int64), lambda a: a.tolist()):
            self.assertEqual(self.model.loss((change(inputs.astype(np.int32)),
                                              change(targets.astype(np.int32)))), wanted)
        sparse = np.zeros(2 * self.model.size)
        self.model.gradient(self.batch, out=sparse[::2])
        np.testing.assert_array_equal(sparse[::2], gradient)
        self.assertFalse(sparse[1::2].any())

    def test_derivatives_belong_to_the_loss(self):
        u, theta, h = self.vector(1), self.model.parameters.copy(), 1e-5
        other = kyrtos.Model.create((self.folder / "run.toml").read_text(), "float64")
        sides = []
        for sign in (-1, 1):
            other.set_parameters(theta + sign * h * u)
            sides.append(other.gradient(self.batch)[1])
        np.testing.assert_allclose((sides[1] - sides[0]) / (2 * h), self.model.hvp(u, self.batch),
                                   rtol=1e-4, atol=1e-5)

    def test_outputs(self):
        logits = self.model.outputs(self.batch.inputs)
        self.assertEqual(logits.shape, (1, 8, 61))
        logarithms = np.log(np.exp(logits).sum(-1)) - np.take_along_axis(
            logits, self.batch.targets.astype(int)[..., None], -1)[..., 0]
        self.assertAlmostEqual(logarithms.mean(), self.model.loss(self.batch), places=12)

    def test_safetensors(self):
        folder = self.folder / "hugging_face"
        folder.mkdir(exist_ok=True)
        self.program("export", "run", "--output", f"{folder}/model.safetensors", "--config",
                     f"{folder}/config.json")
        other = kyrtos.Model.load(folder, "float64")
        self.assertEqual(other.config["model"]["depth"], 2)
        self.assertAlmostEqual(other.loss(self.batch), self.model.loss(self.batch), places=12)
        with self.assertRaisesRegex(kyrtos.ArgumentError, "no checkpoint"):
            other.preconditioner()
        (folder / "config.json").write_text("{")
        with self.assertRaisesRegex(kyrtos.FileError, "config.json"):
            kyrtos.Model.load(folder)

    def test_several_batches_are_one_large_one(self):
        rows = np.concatenate([self.tokens, self.tokens[:, ::-1]])
        apart = [kyrtos.Batch.of_tokens(row[None]) for row in rows]
        u = self.vector(2)
        np.testing.assert_allclose(self.model.hessian(apart) @ u,
                                   self.model.hvp(u, kyrtos.Batch.of_tokens(rows)), rtol=1e-9, atol=1e-12)


class Training(Case):
    def test_goes_on_where_the_program_stopped(self):
        last = self.folder / "run/checkpoints/step-00000002.h5"
        model = kyrtos.Model.load(last, "float64")
        trainer = kyrtos.Trainer(model)
        trainer.watch(self.batch)
        trainer.restore(last)
        run = kyrtos.read_run(self.folder / "run")
        rows = np.repeat(self.tokens, 2, axis=0)
        for step in (2, 3):
            done = trainer.step(kyrtos.Batch.of_tokens(rows), run["learning_rate"][step])
            self.assertEqual((done.step, done.loss), (step + 1, run["loss"][step]))
            self.assertEqual(done.sharpness.value, run["lambda"][step])
        np.testing.assert_array_equal(model.parameters, self.model.parameters)
        trainer.save(self.folder / "mine.h5")
        np.testing.assert_array_equal(kyrtos.Model.load(self.folder / "mine.h5", "float64").parameters,
                                      model.parameters)

    def test_both_records_hold_the_same(self):
        lines = kyrtos.read_run(self.folder / "run/metrics.jsonl")
        hdf5 = kyrtos.read_run(self.folder / "run/run.h5")
        self.assertEqual(lines["step"].tolist(), [1, 2, 3, 4])
        for name in ("step", "loss", "lambda", "residual", "learning_rate"):
            np.testing.assert_allclose(lines[name], hdf5[name], rtol=1e-6, err_msg=name)
        self.assertEqual(lines["quality"].tolist(), hdf5["quality"].tolist())
        with self.assertRaisesRegex(KeyError, "no column lambada; it has step"):
            lines["lambada"]

    def test_a_torn_last_line_is_left_out(self):
        text = (self.folder / "run/metrics.jsonl").read_text()
        torn = self.folder / "torn.jsonl"
        torn.write_text(text + '{"step": 5, "lo')
        self.assertEqual(len(kyrtos.read_run(torn)["step"]), 4)
        torn.write_text("[]\n" + text)
        with self.assertRaisesRegex(kyrtos.FileError, "torn.jsonl:1"):
            kyrtos.read_run(torn)


class OwnOperator(unittest.TestCase):
    """Functions of NumPy."""

    def setUp(self):
        rng = np.random.default_rng(3)
        a = rng.standard_normal((40, 40))
        self.matrix = a + a.T

    def operator(self, **options):
        return kyrtos.Operator.from_function(lambda x: self.matrix @ x, 40, **options)

    def test_eigenvalues_are_scipy_s(self):
        exact = np.linalg.eigvalsh(self.matrix)
        operator = self.operator()
        mine = operator.eigenvalues(3, 2, tolerance=1e-10)
        np.testing.assert_allclose([pair.value for pair in mine], [*exact[:-4:-1], *exact[:2]], rtol=1e-9)
        for taken in (operator, operator.linear_operator()):
            np.testing.assert_allclose(eigsh(taken, k=2, which="LA", return_eigenvectors=False),
                                       exact[-2:], rtol=1e-9)
        self.assertIsInstance(operator.linear_operator(), LinearOperator)
        single = self.operator(precision="float32").largest_eigenvalue(1e-5)
        self.assertAlmostEqual(single.value, exact[-1], delta=1e-4 * exact[-1])

    def test_tracker_follows_a_matrix_that_changes(self):
        tracker = kyrtos.Tracker(self.operator(), target_residual=1e-2, max_hvps=6, cold_hvps=400)
        turn = np.linalg.qr(np.eye(40) + 0.01 * np.random.default_rng(4).standard_normal((40, 40)))[0]
        for step in range(20):
            report = tracker.update(0.05)
            exact = eigsh(self.matrix, k=1, which="LA", return_eigenvectors=False)[0]
            self.assertAlmostEqual(report.value, exact, delta=0.03 * exact)
            self.assertAlmostEqual(report.threshold_ratio, report.value * 0.05 / 2)
            self.assertTrue(step == 0 or report.hvps <= 6)
            self.matrix = 1.01 * turn @ self.matrix @ turn.T
        self.assertNotEqual(report.quality, "lost")
        self.assertAlmostEqual(np.linalg.norm(tracker.vector()), 1)
        self.matrix[:] = np.nan
        self.assertEqual(tracker.update(0.05).quality, "lost")

    def test_preconditioned(self):
        diagonal = np.linspace(0.5, 2, 40)
        operator = self.operator().preconditioned(diagonal)
        for _ in range(2):
            wanted = eigsh(diagonal[:, None] * self.matrix * diagonal, k=1, which="LA",
                           return_eigenvectors=False)[0]
            self.assertAlmostEqual(operator.largest_eigenvalue(1e-8).value, wanted, places=6)
            diagonal[:] = diagonal[::-1].copy()  # what is written there counts
        with self.assertRaises(kyrtos.ShapeError):
            self.operator().preconditioned(np.ones(80)[::2])

    def test_x_is_not_to_be_written(self):
        def writes(x):
            x[0] = 1
            return x
        with self.assertRaisesRegex(ValueError, "read-only"):
            kyrtos.Operator.from_function(writes, 3) @ np.ones(3)

    def test_exceptions_come_through(self):
        class Mine(Exception):
            pass

        def fails(_):
            raise Mine("my words")
        with self.assertRaisesRegex(Mine, "my words"):
            kyrtos.Operator.from_function(fails, 3).largest_eigenvalue()
        with self.assertRaisesRegex(kyrtos.ShapeError, r"the shape \(2,\)"):
            kyrtos.Operator.from_function(lambda x: x[:2], 3) @ np.ones(3)

    def test_threads_take_turns(self):
        found = {}

        def solve(scale):
            operator = kyrtos.Operator.from_function(lambda x: scale * (self.matrix @ x), 40)
            found[scale] = operator.largest_eigenvalue(1e-10).value
        threads = [threading.Thread(target=solve, args=(scale,)) for scale in (1.0, 2.0, 3.0)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for scale in (2.0, 3.0):
            self.assertAlmostEqual(found[scale], scale * found[1.0], places=8)


class Errors(unittest.TestCase):
    def test_have_the_library_s_words(self):
        model = kyrtos.Model.create("model = {depth = 1, width = 8, heads = 2, context = 4, vocabulary = 5}")
        tokens = np.zeros((1, 4), np.int32)
        cases = [
            (kyrtos.ConfigError, "depht", lambda: kyrtos.Model.create("model.depht = 1")),
            (kyrtos.FileError, "absent.h5", lambda: kyrtos.Model.load("absent.h5")),
            (kyrtos.ArgumentError, "float16", lambda: kyrtos.Model.load("absent.h5", "float16")),
            (kyrtos.ShapeError, "vocabulary", lambda: model.loss((tokens + 5, tokens))),
            (kyrtos.ShapeError, "targets", lambda: model.loss((tokens, tokens[:, :3]))),
            (kyrtos.ShapeError, "complex", lambda: model.loss((tokens * 1j, tokens))),
            (kyrtos.ShapeError, "u", lambda: model.hvp(np.ones(3), (tokens, tokens))),
            (kyrtos.ShapeError, "writeable", lambda: model.gradient((tokens, tokens), out=[1.0])),
            (kyrtos.ConfigError, "", lambda: kyrtos.Tracker(model.hessian((tokens, tokens)), block=0)),
            (kyrtos.ArgumentError, "mpi4py", lambda: kyrtos.Context(7)),
            (kyrtos.FileError, "neither", lambda: kyrtos.read_run("."))]
        for kind, words, call in cases:
            with self.subTest(words=words), self.assertRaisesRegex(kind, words) as found:
                call()
            self.assertIsInstance(found.exception, kyrtos.KyrtosError)

    def test_importing_starts_nothing(self):
        script = ("import sys, ctypes; sys.path.insert(0, sys.argv[1]); import kyrtos;"
                  "kyrtos.Model.load; assert kyrtos._library._library is None")
        subprocess.run([sys.executable, "-B", "-c", script, str(ROOT / "apps/python")], check=True,
                       env={**os.environ, "KYRTOS_LIBRARY": "/nowhere"})

    def test_a_library_that_is_not_there(self):
        script = "import sys; sys.path.insert(0, sys.argv[1]); import kyrtos; kyrtos.version()"
        for place, words in (("/nowhere", "there is no such library"),
                             (os.__file__, "can't be used as Kyrtos' library")):
            done = subprocess.run([sys.executable, "-B", "-c", script, str(ROOT / "apps/python")],
                                  env={**os.environ, "KYRTOS_LIBRARY": place}, capture_output=True,
                                  text=True)
            self.assertIn(words, done.stderr)

    def test_structs_are_those_of_the_header(self):
        import ctypes
        from kyrtos import _library as c
        record = (ROOT / "tests/c/abi.txt").read_text()
        for name, struct in (("array", c.Array), ("batch", c.BatchStruct), ("segment", c.SegmentStruct),
                             ("eigenvalue", c.EigenvalueStruct), ("density", c.DensityStruct),
                             ("density_options", c.DensityOptions), ("step", c.StepStruct),
                             ("sharpness", c.SharpnessStruct), ("tracker_options", c.TrackerOptions)):
            self.assertIn(f"\nkyrtos_{name} {ctypes.sizeof(struct)}\n", record)
            for field, *_ in struct._fields_:
                inside = "lambda" if (name, field) == ("sharpness", "value") else field
                self.assertIn(f"\nkyrtos_{name}.{inside} {getattr(struct, field).offset}\n", record)
        self.assertIn(f"KYRTOS_ABI_VERSION {c.ABI_VERSION}\n", record)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
