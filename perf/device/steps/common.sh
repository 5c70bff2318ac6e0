#!/bin/bash
# SPDX-FileCopyrightText: 2026 Kyrtos contributors
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

# For all steps: bash steps/NAME.sh, in a folder of their own to write to. Exit code 77 says that what
# a step needs is not there.

set -euo pipefail
step=$(basename "$0" .sh)

# say NAME VALUE [UNIT]: a line of the table.
say() { printf '%s\t%s\t%s\t%s\n' "$step" "$1" "$2" "${3:-}" >> "$RESULTS"; }

# need PROGRAM: or there is nothing to do.
need() {
  command -v "$1" > /dev/null && return
  echo "$1 is not there"
  exit 77
}

# within NAME VALUE MOST: a line of the table, and a failure where VALUE is no number up to MOST.
within() {
  say "$1" "$2" "at most $3"
  awk -v x="$2" -v most="$3" 'BEGIN {exit !(x ~ /^[0-9]/ && x + 0 <= most + 0)}' && return
  echo "$1: $2 is not within $3"
  return 1
}
