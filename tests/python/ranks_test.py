# SPDX-FileCopyrightText: 2026 Kyrtos contributors
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The Python package on a communicator of mpi4py, run on several ranks: each hands over its part of
a batch and gets the result of the whole."""

import sys
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "apps/python"))
try:
    import kyrtos  # before MPI is up
    import numpy as np
    from mpi4py import MPI
except ModuleNotFoundError as fault:
    if fault.name not in ("numpy", "mpi4py"):
        raise
    print(f"skipped: {fault}")
    sys.exit(77)

ranks = MPI.COMM_WORLD
config = "model = {vocabulary = 11, context = 6, depth = 2, width = 8, heads = 2}"
rows = np.arange(4 * 7).reshape(4, 7) ** 2 % 11
shared = kyrtos.Model.create(config, "float64", seed=3, context=ranks)
alone = kyrtos.Model.create(config, "float64", seed=3)
mine = kyrtos.Batch.of_tokens(rows[ranks.rank * 4 // ranks.size:(ranks.rank + 1) * 4 // ranks.size])
whole = kyrtos.Batch.of_tokens(rows)
np.testing.assert_array_equal(shared.parameters, alone.parameters)
loss, gradient = shared.gradient(mine)
wanted_loss, wanted = alone.gradient(whole)
np.testing.assert_allclose(loss, wanted_loss, rtol=1e-12)
np.testing.assert_allclose(gradient, wanted, rtol=1e-10, atol=1e-14)
u = np.sin(np.arange(shared.size))
np.testing.assert_allclose(shared.hessian(mine) @ u, alone.hvp(u, whole), rtol=1e-10, atol=1e-13)
try:  # a mistake on one rank is an error on all
    shared.loss((mine.inputs + 11 * (ranks.rank == ranks.size - 1), mine.targets))
    sys.exit("there was no error")
except kyrtos.ShapeError as error:
    assert "vocabulary" in str(error)
