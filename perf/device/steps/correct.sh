#!/bin/bash
# SPDX-FileCopyrightText: 2026 Kyrtos contributors
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

# Every layer, products, the estimators and a whole model against plain loops and closed forms, in
# float32: the project's own tests.

. "$HERE/steps/common.sh"

areas=(gemm gemm_batched rounded_products vector_operations linear gelu layer_norm rms_norm qk_norm rotary
  swiglu token_embedding cross_entropy_head attention blocked_attention hessian transformer lanczos
  tracker optimizers)
known=$(device_tests --filenames-as-tags --list-tags)
for area in "${areas[@]}"; do
  grep -qF "[#$area]" <<< "$known" && continue
  echo "there are no tests of $area"
  exit 1
done
if [ -n "$DRY" ]; then areas=(gelu linear vector_operations); fi
failed=()
for area in "${areas[@]}"; do
  begin=$(date +%s.%N)
  echo "== $area"
  if device_tests --filenames-as-tags --colour-mode none "[#$area]"; then outcome=passed; else
    outcome=FAILED
    failed+=("$area")
  fi
  say "$area: $outcome" "$(awk -v a="$begin" -v b="$(date +%s.%N)" 'BEGIN {printf "%.1f", b - a}')" s
done
if [ ${#failed[@]} -gt 0 ]; then
  echo "failed: ${failed[*]}"
  exit 1
fi
