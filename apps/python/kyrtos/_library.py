# SPDX-FileCopyrightText: 2026 Kyrtos contributors
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The library: where it is, what its functions take, how it starts and ends, what its errors are."""

from __future__ import annotations

import atexit
import ctypes
import os
import threading
from ctypes import (CFUNCTYPE, POINTER, Structure, c_char_p, c_double, c_int, c_int64, c_uint64,
                    c_void_p)
from pathlib import Path

ABI_VERSION = 2
MAX_RANK = 4

# ---- Errors ------------------------------------------------------------------------------------


class KyrtosError(RuntimeError):
    """What the library says of a failure, with the fix."""


class ArgumentError(KyrtosError, ValueError):
    """A value that no function takes."""


class ConfigError(KyrtosError, ValueError):
    """A setting that is unknown, out of range, or contradicts another."""


class FileError(KyrtosError, OSError):
    """A file that is absent, damaged, or not what it should be."""


class ShapeError(KyrtosError, ValueError):
    """Extents or types of arrays that do not fit."""


class NumericalError(KyrtosError, ArithmeticError):
    """A NaN or an infinity where a number is needed."""


class CallbackError(KyrtosError):
    """A function of the caller's failed; an exception that it raised is raised itself."""


class FinalizedError(KyrtosError):
    """Kokkos or MPI has been finalised."""


class OutOfMemoryError(KyrtosError, MemoryError):
    """There is not enough memory."""


CALLBACK = 6
ERRORS = {1: ArgumentError, 2: ConfigError, 3: FileError, 4: ShapeError, 5: NumericalError,
          CALLBACK: CallbackError, 7: FinalizedError, 8: OutOfMemoryError, 9: KyrtosError}

# ---- The structs of kyrtos.h -------------------------------------------------------------------


class Array(Structure):
    _fields_ = [("data", c_void_p), ("type", c_int), ("memory", c_int), ("rank", c_int64),
                ("extents", c_int64 * MAX_RANK), ("strides", c_int64 * MAX_RANK)]


class BatchStruct(Structure):
    _fields_ = [("inputs", Array), ("targets", Array), ("weight", c_double)]


class SegmentStruct(Structure):
    _fields_ = [("name", c_char_p), ("offset", c_int64), ("size", c_int64), ("rank", c_int64),
                ("extents", c_int64 * MAX_RANK)]


class EigenvalueStruct(Structure):
    _fields_ = [("value", c_double), ("residual", c_double)]


class DensityOptions(Structure):
    _fields_ = [("probes", c_int64), ("steps", c_int64), ("grid_points", c_int64),
                ("relative_width", c_double), ("seed", c_uint64)]


class DensityStruct(Structure):
    _fields_ = [(name, POINTER(c_double))
                for name in ("grid", "density", "standard_error", "nodes", "weights")]
    _fields_ += [("width", c_double), ("hvps", c_int64)]


class SharpnessStruct(Structure):
    _fields_ = [("value", c_double), ("residual", c_double), ("threshold_ratio", c_double),
                ("hvps", c_int64), ("quality", c_int), ("stability", c_int)]


class TrackerOptions(Structure):
    _fields_ = [("threshold", c_double), ("target_residual", c_double), ("block", c_int64),
                ("min_hvps", c_int64), ("max_hvps", c_int64), ("cold_hvps", c_int64),
                ("seed", c_uint64), ("target", c_int)]


class StepStruct(Structure):
    _fields_ = [("step", c_int64), ("loss", c_double), ("gradient_norm", c_double),
                ("sharpness", SharpnessStruct)]


APPLY = CFUNCTYPE(c_int, c_void_p, c_void_p, c_int64, c_void_p, c_void_p)

# ---- The functions -----------------------------------------------------------------------------

_handle, _made = c_void_p, POINTER(c_void_p)
_array, _batch = POINTER(Array), POINTER(BatchStruct)
_number, _count = POINTER(c_double), POINTER(c_int64)

FUNCTIONS = {
    "context_create_f": [c_int, c_void_p, _made],
    "model_create": [_handle, c_char_p, c_int, _made],
    "model_load": [_handle, c_char_p, c_int, _made],
    "model_save": [_handle, c_char_p],
    "model_initialize": [_handle, c_uint64],
    "model_size": [_handle, _count],
    "model_segment_at": [_handle, c_int64, POINTER(SegmentStruct)],
    "model_config": [_handle, POINTER(c_char_p)],
    "model_get_parameters": [_handle, _array],
    "model_set_parameters": [_handle, _array],
    "model_use_parameters": [_handle, _array],
    "model_preconditioner": [_handle, _array],
    "model_loss": [_handle, _batch, _number],
    "model_gradient": [_handle, _batch, _number, _array],
    "model_hvp": [_handle, _batch, _array, _array, _number, _array],
    "model_outputs": [_handle, _array, _array],
    "operator_create": [_handle, c_int64, c_int, c_int, APPLY, c_void_p, _made],
    "operator_of_model": [_handle, c_int, _batch, c_int64, _made],
    "operator_precondition": [_handle, _array, _made],
    "operator_apply": [_handle, _array, _array],
    "power_iteration": [_handle, c_int, c_double, c_int64, c_uint64, POINTER(EigenvalueStruct),
                        _array, _count],
    "lanczos": [_handle, c_int64, c_int64, c_double, c_int64, c_uint64, POINTER(EigenvalueStruct),
                _count],
    "spectral_density": [_handle, POINTER(DensityOptions), POINTER(DensityStruct)],
    "tracker_create": [_handle, POINTER(TrackerOptions), _made],
    "tracker_update": [_handle, c_double, POINTER(SharpnessStruct)],
    "tracker_vector": [_handle, _array],
    "trainer_create": [_handle, _made],
    "trainer_watch": [_handle, _batch],
    "trainer_step": [_handle, _batch, c_int64, c_double, POINTER(StepStruct)],
    "trainer_save": [_handle, c_char_p],
    "trainer_restore": [_handle, c_char_p],
}
KINDS = ("context", "model", "operator", "tracker", "trainer")  # of handles

# A call at a time: handles of a context, and Kokkos' OpenMP backend, take one thread after another.
_turn = threading.RLock()
_library: ctypes.CDLL | None = None
_comm_self = 0
_raised: list[BaseException] = []  # by functions that the library has called


def path_of_library() -> Path:
    """KYRTOS_LIBRARY, or the file beside this package."""
    chosen = os.environ.get("KYRTOS_LIBRARY")
    path = Path(chosen) if chosen else Path(__file__).with_name("libkyrtos_python.so")
    if not path.exists():
        raise FileError(f"{path}: there is no such library; install Kyrtos with its Python package, "
                        "or name libkyrtos_python.so of a build in KYRTOS_LIBRARY")
    return path


def _declare(library: ctypes.CDLL) -> None:
    for name, arguments in FUNCTIONS.items():
        function = getattr(library, f"kyrtos_{name}")
        function.argtypes, function.restype = arguments, c_int
    for kind in KINDS:
        error, destroy = (getattr(library, f"kyrtos_{kind}_{what}") for what in ("error", "destroy"))
        error.argtypes, error.restype = [_handle], c_char_p
        destroy.argtypes, destroy.restype = [_handle], None
    library.kyrtos_version.restype = c_char_p
    library.kyrtos_tracker_defaults.restype = TrackerOptions
    library.kyrtos_density_defaults.restype = DensityOptions
    library.kyrtos_python_start_mpi.argtypes = [POINTER(c_int), POINTER(c_int)]


def library() -> ctypes.CDLL:
    """The library, loaded at the first call; neither MPI nor Kokkos is started."""
    global _library
    with _turn:
        if _library is None:
            path = path_of_library()
            try:
                loaded = ctypes.CDLL(str(path))
                found = loaded.kyrtos_abi_version()
            except (OSError, AttributeError) as fault:
                raise FileError(f"{path}: can't be used as Kyrtos' library ({fault}); name "
                                "libkyrtos_python.so of a build in KYRTOS_LIBRARY") from None
            if found != ABI_VERSION:
                raise FileError(f"{path}: has version {found} of the C interface, this package "
                                f"needs {ABI_VERSION}; install both from one source")
            _declare(loaded)
            _library = loaded
        return _library


def start() -> int:
    """Starts MPI and Kokkos unless they run. Returns MPI_COMM_SELF as Fortran's number."""
    global _comm_self
    with _turn:
        lib = library()
        started, comm_self = c_int(), c_int()
        if lib.kyrtos_python_start_mpi(started, comm_self) != 0:
            raise FinalizedError("MPI can't be started: it has been finalised, or is not set up")
        if started.value:
            atexit.register(lib.kyrtos_python_stop_mpi)
        # Kokkos would otherwise warn where nobody bound the threads.
        os.environ.setdefault("OMP_PROC_BIND", "false")
        status = lib.kyrtos_start_kokkos()
        if status != 0:
            raise ERRORS.get(status, KyrtosError)("Kokkos can't be started: it has been finalised, "
                                                  "or its settings in the environment are wrong")
        if not _comm_self:
            atexit.register(lib.kyrtos_stop_kokkos)  # runs before what was registered earlier
        _comm_self = comm_self.value
        return _comm_self


def remember(exception: BaseException) -> None:
    """What a function of the caller's raised, for the call that the library came from."""
    _raised.append(exception)


class Handle:
    """An opaque handle of the library; `parent` is what tells the errors of its creation."""

    kind = ""

    def __init__(self, create: str, parent: Handle | None, *arguments) -> None:
        self._pointer = c_void_p()
        self._keep = parent
        (self if parent is None else parent)._run(create, *arguments, ctypes.byref(self._pointer))

    def _run(self, name: str, *arguments) -> None:
        lib = library()
        first = () if name.startswith("context_create") else (self._pointer,)
        with _turn:
            _raised.clear()
            status = getattr(lib, f"kyrtos_{name}")(*first, *arguments)
            if status == 0:
                return
            raised = _raised.pop() if status == CALLBACK and _raised else None
            text = getattr(lib, f"kyrtos_{self.kind}_error")(self._pointer)
        raise raised or ERRORS.get(status, KyrtosError)(text.decode(errors="replace"))

    def __del__(self) -> None:
        pointer, self._pointer = getattr(self, "_pointer", None), c_void_p()
        if pointer and _library is not None:
            with _turn:
                getattr(_library, f"kyrtos_{self.kind}_destroy")(pointer)


def version() -> str:
    """Of the library, for instance `0.1.0`."""
    return library().kyrtos_version().decode()
