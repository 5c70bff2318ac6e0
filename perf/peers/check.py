# SPDX-FileCopyrightText: 2026 Kyrtos contributors
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""That the models are the same, and which products are exact: every way's loss, gradient and
product on a small model against those of `kyrtos hvp` in float64."""

import importlib
import subprocess
import tempfile
from pathlib import Path

import h5py
import numpy as np

import model


def write_named(group, values):
    for name, value in values.items():
        group.create_dataset(name, data=value)


def product_command(program, case, folder, precision="float32"):
    """Writes the case's files; the command that computes loss, gradient and product from them."""
    with h5py.File(folder / "model.h5", "w") as file:
        file.attrs["format"], file.attrs["version"] = "kyrtos checkpoint", 1
        file.attrs["config"] = case.config()
        write_named(file.create_group("parameters"), model.random_parameters(case))
    with h5py.File(folder / "batch.h5", "w") as file:
        file["tokens"] = model.random_tokens(case)
    with h5py.File(folder / "vector.h5", "w") as file:
        write_named(file, model.random_direction(case))
    return [program, "hvp", "--checkpoint", folder / "model.h5", "--batch", folder / "batch.h5",
            "--vector", folder / "vector.h5", "--out", folder / "out.h5", "--precision", precision]


def reference(program, case):
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        subprocess.run(product_command(program, case, folder, "float64"), check=True,
                       stdout=subprocess.DEVNULL)
        with h5py.File(folder / "out.h5") as file:
            named = lambda group: {k: np.asarray(file[group][k]) for k in case.shapes()}
            return float(file["loss"][()]), named("gradient"), named("hvp")


def error(found, truth):
    """Relative, in the Euclidean norm of everything."""
    square = lambda tree: sum(float(np.sum(np.square(x, dtype=np.float64))) for x in tree.values())
    return (square({k: found[k] - truth[k] for k in truth}) / square(truth)) ** 0.5


def table(program, case=model.CASES["tiny"]):
    loss, gradient, product = reference(program, case)
    lines = ["Relative errors against float64, on a small model with these files' own code:", "",
             "| program | way of the product | loss | gradient | product |", "|---|---|---|---|---|"]
    for name in ("jax", "torch"):
        framework = importlib.import_module("in_" + name)
        problem = framework.Problem(case, model.random_parameters(case),
                                    model.random_direction(case), model.random_tokens(case))
        for way in problem.ways()["hvp"]:
            try:
                l, g, p = problem.results(way)
                errors = [abs(l - loss) / loss, error(g, gradient), error(p, product)]
                cells = [f"{e:.1e}" for e in errors]
            except Exception as e:
                cells = [f"{type(e).__name__}: {str(e).splitlines()[0][:80]}", "", ""]
            lines.append("| " + " | ".join([framework.VERSION, way, *cells]) + " |")
    return lines
