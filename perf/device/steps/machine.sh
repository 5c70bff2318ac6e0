#!/bin/bash
# SPDX-FileCopyrightText: 2026 Kyrtos contributors
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

# What is there. Fails where the program does not start, or has no GPU.

. "$HERE/steps/common.sh"

missing=$(ldd "$HERE"/bin/* | grep 'not found' || true)
if [ -n "$missing" ]; then
  echo "$missing"
  exit 1
fi
info=$(kyrtos info)
echo "$info"
runs_on=$(sed -n 's/^  kernels run on: //p' <<< "$info")
say "kernels run on" "$runs_on"
if command -v nvidia-smi > /dev/null; then
  nvidia-smi
  say GPU "$(nvidia-smi --query-gpu=name --format=csv,noheader | head -n 1)"
  say driver "$(nvidia-smi --query-gpu=driver_version --format=csv,noheader | head -n 1)"
fi
for tool in compute-sanitizer ncu python3 mpirun; do
  say "$tool" "$(command -v $tool > /dev/null && echo there || echo no)"
done
[ -n "$DRY" ] || [[ $runs_on =~ Cuda|HIP ]]
