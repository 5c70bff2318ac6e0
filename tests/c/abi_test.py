# SPDX-FileCopyrightText: 2026 Kyrtos contributors
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The C interface's ABI against abi.txt: abi_test.py PROGRAM HEADER LIBRARY NM [--write]

What counts is what a compiled program relies on: every declared function with its types, every
number of an enumeration, and the layout of every struct. A function that is new changes abi.txt
only; anything else makes old programs wrong, and KYRTOS_ABI_VERSION with the library's SOVERSION
goes up. `--write` writes abi.txt anew."""

import difflib
import re
import subprocess
import sys
from pathlib import Path

RECORD = Path(__file__).with_name("abi.txt")


def declarations(header):
    """Functions and the numbers of enumerations, one a line, in one form of white space."""
    text = re.sub(r"//[^\n]*|/\*.*?\*/", "", header.read_text(encoding="utf-8"), flags=re.S)
    for function in re.findall(r"^KYRTOS_API [^;]*;", text, re.M):
        yield " ".join(function.split())
    for body in re.findall(r"typedef enum \w+ \{(.*?)\}", text, re.S):
        yield from sorted(" ".join(entry.split()) for entry in body.split(",") if entry.strip())


def exported(library, nm):
    """The names of C functions that the library defines and shows."""
    dynamic = ["-D"] if ".so" in library.name else []
    names = subprocess.run([nm, "-g", "--defined-only", *dynamic, library], check=True,
                           capture_output=True, text=True).stdout
    return set(re.findall(r" T _?(kyrtos_\w+)$", names, re.M))


def main(program, header, library, nm, *options):
    layout = subprocess.run([program], check=True, capture_output=True, text=True).stdout
    now = layout.splitlines() + list(declarations(Path(header)))
    declared = set(re.findall(r"\b(kyrtos_\w+)\(", "\n".join(now)))
    assert len(declared) > 30, "the declarations were not recognised"
    differ = declared ^ exported(Path(library), nm)
    if differ:
        print("Declared or defined, but not both:", *sorted(differ))
    if "--write" in options:
        RECORD.write_text("\n".join(now) + "\n", encoding="utf-8")
    changes = list(difflib.unified_diff(RECORD.read_text(encoding="utf-8").splitlines(), now,
                                        "abi.txt", "now", lineterm="", n=0))
    if changes:
        print(*changes, sep="\n")
        print("The ABI has changed. Where lines went away or changed, raise KYRTOS_ABI_VERSION "
              "and SOVERSION; then write abi.txt anew with --write.")
    return bool(changes or differ)


sys.exit(main(*sys.argv[1:]))
