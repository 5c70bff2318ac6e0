# SPDX-FileCopyrightText: 2026 Kyrtos contributors
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Transformers and the curvature of their loss, through Kyrtos' C interface.

    import kyrtos

    model = kyrtos.Model.load("run", precision="float64")   # or a folder of safetensors
    batch = kyrtos.Batch.of_tokens(tokens)                   # [sequences, length + 1] integers
    loss, gradient = model.gradient(batch)
    hessian = model.hessian(batch)                           # SciPy takes it as it is
    print(hessian.largest_eigenvalue())

`Tracker` follows the largest eigenvalue of any symmetric operator, given as a Python function,
through a training loop of one's own; `Trainer` trains a model on batches that one has; `read_run`
reads what `kyrtos train` recorded.

Nothing starts when the package is imported: the library is loaded, and MPI and Kokkos are started
unless they run already, when the first model or operator is made. Calls release the GIL, and take
turns. Numbers of Kokkos' threads: OMP_NUM_THREADS.
"""

from ._arrays import Batch
from ._library import (ArgumentError, CallbackError, ConfigError, FileError, FinalizedError,
                       KyrtosError, NumericalError, OutOfMemoryError, ShapeError, version)
from ._context import Context
from ._model import Model, Segment
from ._operator import Eigenvalue, Operator, SpectralDensity
from ._records import Run, read_run
from ._tracker import Sharpness, Tracker
from ._trainer import Step, Trainer

__all__ = ["ArgumentError", "Batch", "CallbackError", "ConfigError", "Context", "Eigenvalue",
           "FileError", "FinalizedError", "KyrtosError", "Model", "NumericalError", "Operator",
           "OutOfMemoryError", "Run", "Segment", "ShapeError", "Sharpness", "SpectralDensity",
           "Step", "Tracker", "Trainer", "read_run", "version"]
