# SPDX-FileCopyrightText: 2026 Kyrtos contributors
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Makes the reference with no warning and no dead link: reference_test.py DOXYFILE DOXYGEN"""

import re
import subprocess
import sys
from pathlib import Path

doxyfile, doxygen = Path(sys.argv[1]), sys.argv[2]
if not doxygen or doxygen.endswith("NOTFOUND"):
    print("skipped: there is no doxygen here (Debian: apt-get install doxygen)")
    sys.exit(77)
done = subprocess.run([doxygen, doxyfile], cwd=doxyfile.parent)
print((doxyfile.parent / "warnings.txt").read_text(encoding="utf-8"))
if done.returncode:
    sys.exit("doxygen warned")

dead = set()
for page in (doxyfile.parent / "html").glob("*.html"):
    for link in re.findall(r'<(?:a|img) [^>]*?(?:href|src)="([^"#]+)', page.read_text("utf-8")):
        if not re.match(r"https?:|javascript:", link) and not (page.parent / link).exists():
            dead.add(f"{page.name} links to {link}, which is not there")
print(*sorted(dead), sep="\n")
sys.exit(bool(dead))
