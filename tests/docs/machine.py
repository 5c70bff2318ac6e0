# SPDX-FileCopyrightText: 2026 Kyrtos contributors
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Stands for a command that would build, install or need another machine: machine.py ROOT COMMAND
WORD… It only checks that what the words name is there: files of the sources, a preset, a command of
quickstart, options."""

import json
import re
import subprocess
import sys
from pathlib import Path

root, command, *words = sys.argv[1:]
root = Path(root)


def fail(text):
    sys.exit(f"{command}: {text}")


for word in words:
    if re.match(r"(apps|cmake|docs|tests|perf)/", word) and not (root / word).exists():
        fail(f"there is no {word}")
if "--preset" in words and command in ("cmake", "ctest"):
    presets = json.loads((root / "CMakePresets.json").read_text(encoding="utf-8"))
    name = words[words.index("--preset") + 1]
    kind = {"ctest": "testPresets"}.get(command, "configurePresets")
    if name not in [preset["name"] for preset in presets[kind]]:
        fail(f"there is no preset {name}")
if command == "quickstart":
    told = subprocess.run([root / "quickstart", "--help"], capture_output=True, text=True).stdout
    for word in words[:1] + [word for word in words if word.startswith("--")]:
        if not re.search(rf"^  {word}\b", told, re.M):
            fail(f"--help tells of no {word}")
for word in words:
    option = re.match(r"-D(Kyrtos_\w+)=", word)
    if option and option[1] not in (root / "CMakeLists.txt").read_text(encoding="utf-8"):
        fail(f"there is no option {option[1]}")
