# SPDX-FileCopyrightText: 2026 Kyrtos contributors
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Checks rules of the source tree that no compiler checks: source_rules.py ROOT."""

import re
import sys
from pathlib import Path

LICENCE = ["SPDX-FileCopyrightText: 2026 Kyrtos contributors",
           "SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception"]
SOURCES = {".cpp", ".hpp", ".h", ".f90", ".py", ".sh", ".cmake", ".in", ".toml"}
LIBRARY = ("include", "src")
PROJECT = ("include", "src", "apps")

# (where, what must not stand there, why)
FORBIDDEN = [
    (PROJECT, r"\bKOKKOS_VERSION\b|\bKOKKOS_ENABLE_\w+|\b__CUDA\w*|\b__HIP\w*",
     "only core/kokkos_compat.hpp tests Kokkos' version and backends"),
    (LIBRARY, r"\bKokkos::fence\s*\(", "fence the caller's instance, not the whole device"),
    (LIBRARY, r"\bMPI_COMM_WORLD\b", "the communicator is the caller's"),
    (LIBRARY, r"\bMPI_(Init|Finalize|Abort)(_thread)?\b|\bKokkos::(initialize|finalize)\b",
     "the program that embeds the library owns MPI and Kokkos"),
    (LIBRARY, r"(?<![\w.>])(std::)?(exit|abort|_Exit|quick_exit|terminate)\s*\(",
     "the library reports errors, it does not end the program"),
    (LIBRARY, r"\bstd::(cout|cerr|clog)\b|(?<!\w)(std::)?(printf|puts)\s*\(",
     "the library does not print"),
    (LIBRARY, r"\bfor \([^;{}()]*[^:]: [^;{}()\n]*\(\{",
     "nvcc loses braces of arguments in the head of a range-for: name them before"),
]
# What the files of a room may include beside their own room; ARCHITECTURE.md draws it.
ROOMS = {
    "core": set(),
    "linalg": {"core"},
    "parallel": {"core", "linalg"},
    "curvature": {"core", "linalg", "parallel"},
    "layers": {"core", "linalg"},
    "model": {"core", "linalg", "parallel", "curvature", "layers"},
    "optim": {"core", "linalg", "parallel", "curvature"},
    "growth": {"core", "linalg", "curvature", "model", "optim"},
    "io": {"core", "parallel"},
    "hugging_face": {"core", "model", "io"},
    "train": {"core", "linalg", "parallel", "curvature", "layers", "model", "optim", "growth", "io"},
    "c": {"core", "linalg", "parallel", "curvature", "layers", "model", "optim", "growth", "io",
          "hugging_face", "train"},
}
EXEMPT = {"include/kyrtos/core/kokkos_compat.hpp",
          "src/c/kokkos.cpp"}  # for C and Fortran, which can not start Kokkos themselves


def bare(text):
    """The text with comments and string literals blanked, line numbers kept."""
    blank = lambda match: re.sub(r"[^\n]", " ", match[0])
    return re.sub(r'"(?:\\.|[^"\\\n])*"|//[^\n]*|/\*.*?\*/', blank, text, flags=re.S)


def line_of(text, position):
    return text.count("\n", 0, position) + 1


def forbidden(path, code):
    for where, pattern, why in FORBIDDEN:
        if path.split("/")[0] in where and path not in EXEMPT:
            for match in re.finditer(pattern, code):
                yield line_of(code, match.start()), f"{match[0].strip()}: {why}"


def arguments(code, begin):
    """How many arguments the call has whose opening parenthesis precedes `begin`."""
    depth, count = 1, 1
    for letter in code[begin:]:
        depth += (letter in "([{") - (letter in ")]}")
        if depth == 0:
            break
        count += depth == 1 and letter == ","
    return count


def copies_without_instance(path, code):
    if path.split("/")[0] in LIBRARY:
        for match in re.finditer(r"\bdeep_copy\s*\(", code):
            if arguments(code, match.end()) < 3:
                yield (line_of(code, match.start()),
                       "deep_copy without an execution-space instance fences everything")


def room_of(path):
    """`model` for include/kyrtos/model/… and src/model/…; None for what is in no room."""
    parts = path.split("/")
    inner = parts[2:] if parts[:2] == ["include", "kyrtos"] else parts[1:] if parts[0] == "src" else []
    return inner[0] if len(inner) > 1 else None


def includes(root, path, text):
    """The project's files that this one includes, with their lines."""
    for match in re.finditer(r'^#include [<"]([^>"]+)[>"]', text, flags=re.M):
        for folder in ((root / path).parent, root / "src", root / "include"):
            file = (folder / match[1]).resolve()
            if file.is_file():
                yield line_of(text, match.start()), file.relative_to(root.resolve()).as_posix()
                break


def includes_of_higher_rooms(root, path, text):
    room = room_of(path)
    for line, other in includes(root, path, text) if room else ():
        target = room_of(other)
        if target not in (None, room) and target not in ROOMS.get(room, ()):
            yield line, f"{room} includes {other}, but {target} is not below it"


def circles(graph):
    """Files that include each other, directly or not."""
    done = set()

    def visit(file, above):
        if file in above:
            yield above[above.index(file):] + [file]
        elif file not in done:
            for other in graph.get(file, ()):
                yield from visit(other, above + [file])
            done.add(file)

    for file in graph:
        yield from visit(file, [])


def licence(text):
    head = "\n".join(text.splitlines()[:4])
    if not all(line in head for line in LICENCE):
        yield 1, "the two SPDX lines are missing"


def sources(root):
    files = [root / "quickstart", root / "CMakeLists.txt"]
    for folder in ("include", "src", "apps", "tests", "perf", "cmake", "docs", ".ci"):
        files += sorted((root / folder).rglob("*"))
    for file in files:
        if file.is_file() and (file.suffix in SOURCES or file.name == "CMakeLists.txt"
                               or file.suffix == ""):
            yield file


def main(root):
    complaints = 0
    graph = {}
    for file in sources(root):
        path, text = file.relative_to(root).as_posix(), file.read_text(encoding="utf-8")
        code = bare(text)
        if file.suffix in (".hpp", ".cpp", ".h"):
            graph[path] = [other for _, other in includes(root, path, text)]
        for line, what in (*licence(text), *forbidden(path, code),
                           *copies_without_instance(path, code),
                           *includes_of_higher_rooms(root, path, text)):
            print(f"{path}:{line}: {what}")
            complaints += 1
    for circle in circles(graph):
        print("include each other: " + " -> ".join(circle))
        complaints += 1
    print(f"{complaints} complaints")
    return complaints > 0


sys.exit(main(Path(sys.argv[1])))
