# SPDX-FileCopyrightText: 2026 Kyrtos contributors
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""`kyrtos hvp` as an operator of SciPy, and its largest eigenvalue: 05_hvp.py CHECKPOINT BATCH"""
import subprocess
import sys

import h5py
import numpy
from scipy.sparse.linalg import LinearOperator, eigsh


def hessian(checkpoint, batch, program="kyrtos"):
    with h5py.File(checkpoint) as file:
        shapes = {name: tensor.shape for name, tensor in file["parameters"].items()}
    ends = numpy.cumsum([numpy.prod(shape, dtype=int) for shape in shapes.values()])

    def product(u):
        with h5py.File("u.h5", "w") as file:
            for (name, shape), part in zip(shapes.items(), numpy.split(u.ravel(), ends[:-1])):
                file[name] = part.reshape(shape)
        subprocess.run([program, "hvp", "--checkpoint", checkpoint, "--batch", batch, "--vector",
                        "u.h5", "--out", "hu.h5", "--precision", "float64"], check=True)
        with h5py.File("hu.h5") as file:
            return numpy.concatenate([file["hvp"][name][()].ravel() for name in shapes])

    return LinearOperator((ends[-1], ends[-1]), matvec=product, dtype=float)


print("sharpness", eigsh(hessian(*sys.argv[1:]), k=1, which="LA", tol=1e-2)[0][0])
