#!/bin/bash
# SPDX-FileCopyrightText: 2026 Kyrtos contributors
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

# Loss and λ of a training in float64, and a gradient and a product with the Hessian, against those
# that a CPU computed (perf/device/reference).

. "$HERE/steps/common.sh"
if [ ! -d "$HERE/reference" ]; then
  echo "there is no reference/"
  exit 77
fi
reference=$HERE/reference
cp "$reference/text" .

# The largest relative difference of a number over the steps.
difference() {
  paste <(sed -nE "s/.*\"$1\":([-0-9.e+]+).*/\\1/p" device/metrics.jsonl) \
    <(sed -nE "s/.*\"$1\":([-0-9.e+]+).*/\\1/p" "$reference/metrics.jsonl") |
    awk 'NF == 2 {d = ($1 - $2) / $2; d = d < 0 ? -d : d; most = d > most ? d : most; ++n}
         END {if (n) printf "%.2e", most; else print "none"}'
}

status=0
rm -rf device
kyrtos train "$HERE/run.toml" --set output.directory=device
within "loss, float64" "$(difference loss)" 1e-9 || status=1
within "gradient norm, float64" "$(difference gradient_norm)" 1e-7 || status=1
within "lambda, float64" "$(difference lambda)" 1e-5 || status=1

for precision in float64:1e-10 float32:1e-4; do
  kyrtos hvp --checkpoint "$reference/checkpoint.h5" --batch "$reference/batch.h5" \
    --vector "$reference/checkpoint.h5" --precision "${precision%:*}" --out vectors.h5
  while read -r name distance; do
    within "$name, ${precision%:*}" "$distance" "${precision#*:}" || status=1
  done < <(device_vectors compare "$reference/checkpoint.h5" vectors.h5 "$reference/vectors.h5")
done
exit $status
