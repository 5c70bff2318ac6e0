# SPDX-FileCopyrightText: 2026 Kyrtos contributors
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Where work happens."""

from __future__ import annotations

from typing import Any

from . import _library
from ._library import ArgumentError, Handle


class Context(Handle):
    """A communicator, whose ranks share the work. Making it is collective.

    Args:
        comm: of mpi4py; it is duplicated. None: MPI_COMM_SELF, work that is not shared.
    """

    kind = "context"
    _alone: Context | None = None

    def __init__(self, comm: Any = None) -> None:
        number = _library.start()
        if comm is not None:
            if not hasattr(comm, "py2f"):
                raise ArgumentError(f"comm: {type(comm).__name__} is no communicator of mpi4py")
            number = comm.py2f()
        super().__init__("context_create_f", None, number, None)

    @staticmethod
    def of(context: Context | Any | None) -> Context:
        """The context itself, one on a communicator, or the one of work that is not shared."""
        if isinstance(context, Context):
            return context
        if context is not None:
            return Context(context)
        if Context._alone is None:
            Context._alone = Context()
        return Context._alone
