#!/bin/bash
# SPDX-FileCopyrightText: 2026 Kyrtos contributors
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

# GPT-2's step and product by PyTorch on the same GPU, if it is there.

. "$HERE/steps/common.sh"
need python3
python3 -c 'import torch' 2> /dev/null || {
  echo "PyTorch is not there"
  exit 77
}
sizes=(--batch 4 --length 256)
if [ -n "$DRY" ]; then sizes=(--batch 1 --length 16 --tiny); fi
python3 "$HERE/beside_torch.py" "${sizes[@]}" > torch.txt
cat torch.txt
while IFS=$'\t' read -r name value unit; do say "$name" "$value" "$unit"; done < torch.txt
