#!/bin/bash
# SPDX-FileCopyrightText: 2026 Kyrtos contributors
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

# The speed of every pass as a share of the peaks that the same program measures, and whole models.

. "$HERE/steps/common.sh"

measure() {  # SUITE WORDS…
  local suite=$1
  shift
  kyrtos bench --suite "$suite" --json "$suite.json" "$@"
  # Of each case the shares, which are all that the table shows.
  tr -d '\n' < "$suite.json" | sed 's/"name"/\n"name"/g' | awk -F'"' -v step="$step" '
    $2 == "name" {
      name = $4
      while (match($0, /"(peak|triad)_fraction_[a-z_]+": *[0-9.e-]+/)) {
        split(substr($0, RSTART + 1, RLENGTH - 1), part, /": */)
        $0 = substr($0, RSTART + RLENGTH)
        peak = part[1] ~ /^peak/ ? "products" : "triad"
        sub(/.*_fraction_/, "", part[1])
        printf "%s\t%s %s, of the peak of %s\t%.1f\t%%\n", step, name, part[1], peak, 100 * part[2]
      }
    }' >> "$RESULTS"
}

if [ -n "$DRY" ]; then
  measure smoke --case attention --case layer_norm --repetitions 1
  exit
fi
kyrtos info --gemm-rate
measure layers --repetitions 3 --seconds 15
measure attention --repetitions 3 --seconds 15 --precision float32 --precision bf16
measure node --case gpt2 --repetitions 3 --seconds 30 --precision float32 --precision bf16 --profile
