#!/bin/bash
# SPDX-FileCopyrightText: 2026 Kyrtos contributors
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

# compute-sanitizer on small cases: accesses out of bounds, and races within a team.

. "$HERE/steps/common.sh"
need compute-sanitizer

check() {  # TOOL AREA
  local log=$1-$2.txt
  local code=0
  timeout 12 compute-sanitizer --tool "$1" --error-exitcode 9 --kernel-regex kns=kyrtos \
    device_tests --filenames-as-tags --colour-mode none --abortx 1 "[#$2]" > "$log" 2>&1 || code=$?
  # One that takes long is stopped: what it saw until then counts.
  local errors
  errors=$(grep -cE '^========= (Invalid|Error|Race|Warning: Race)' "$log" || true)
  say "$1 $2" "$([ "$code" = 124 ] && echo "$errors, stopped" || echo "$errors")" errors
  [ "$errors" = 0 ] && [ "$code" != 9 ]
}

status=0
for area in attention layer_norm cross_entropy_head; do
  for tool in memcheck racecheck; do check $tool $area || status=1; done
done
exit $status
