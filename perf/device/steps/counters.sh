#!/bin/bash
# SPDX-FileCopyrightText: 2026 Kyrtos contributors
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

# Counters of a few kernels by ncu: how much of the device's arithmetic and memory each used.

. "$HERE/steps/common.sh"
need ncu

metrics=sm__throughput.avg.pct_of_peak_sustained_elapsed,dram__throughput.avg.pct_of_peak_sustained_elapsed
metrics+=,sm__warps_active.avg.pct_of_peak_sustained_active,launch__registers_per_thread
ncu --clock-control none --metrics "$metrics" --csv --kernel-name-base demangled \
  --kernel-name 'regex:attention|Normalization|cross_entropy|AdamW' --launch-count 12 \
  kyrtos bench --suite smoke --repetitions 1 > counters.csv
grep -c , counters.csv
say "lines of counters" "$(grep -c '^"[0-9]' counters.csv || true)"
