#!/bin/bash
# SPDX-FileCopyrightText: 2026 Kyrtos contributors
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

# Launches and synchronisations of a step of GPT-2, counted by Kokkos Tools as the test does that counts
# them on a CPU, and what CUDA itself was asked for, where nsys is there.

. "$HERE/steps/common.sh"

code=0
device_launches=$(device_tests --filenames-as-tags --colour-mode none "[#launches]" --success 2>&1) || code=$?
echo "$device_launches"
# A table a test case, of which each line of checks repeats the first: float32, then rounded factors.
sed -nE 's/^ *([0-9]+) launches, ([0-9]+) waits.*/\1 \2/p' <<< "$device_launches" | uniq |
  while read -r launches waits; do
    say "launches, ${precision:=float32}" "$launches" "a step"
    say "waits, $precision" "$waits" "a step"
    precision="rounded factors"
  done
if [ "$code" = 77 ] && [ -z "$DRY" ]; then exit 1; fi
exit $code
