# SPDX-FileCopyrightText: 2026 Kyrtos contributors
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""`kyrtos plot` runs this folder."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from plot.draw import PlotError, main

try:
    main(sys.argv[1:])
except PlotError as fault:
    sys.exit(f"kyrtos plot: {fault}")
