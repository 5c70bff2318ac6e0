#!/bin/bash
# SPDX-FileCopyrightText: 2026 Kyrtos contributors
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

# The same run twice: the same bits, of losses, norms and λ at every step.

. "$HERE/steps/common.sh"
if [ ! -d "$HERE/reference" ]; then
  echo "there is no reference/ with a text to learn"
  exit 77
fi

cp "$HERE/reference/text" .
numbers() { sed -E 's/"(seconds|tokens_per_s)":[^,}]*//g' "$1/metrics.jsonl"; }
precisions=(float32 bf16)
status=0
for precision in "${precisions[@]}"; do
  for run in first second; do
    rm -rf $run
    kyrtos train "$HERE/run.toml" --set output.directory=$run --set training.precision="$precision" || {
      if [ -n "$DRY" ]; then continue 2; fi  # a CPU may lack bfloat16
      exit 1
    }
  done
  if [ "$(numbers first)" = "$(numbers second)" ]; then say "$precision, 5 steps" "same bits"; else
    say "$precision, 5 steps" "other bits"
    diff <(numbers first) <(numbers second) || true
    status=1
  fi
done
exit $status
