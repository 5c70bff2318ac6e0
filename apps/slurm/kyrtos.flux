#!/bin/bash
# SPDX-FileCopyrightText: 2026 Kyrtos contributors
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

# Training under Flux, with a rank for each GPU. Submit it where it lies:
#     flux batch kyrtos.flux run.toml [--set section.key=value]…

# flux: --job-name=kyrtos
# flux: --nodes=2
# flux: --nslots=8
# flux: --gpus-per-slot=1
# flux: --cores-per-slot=8
# flux: --time-limit=24h
# flux: --output=kyrtos-{{id}}.log

# kyrtos is told when the job ends, and stops in time.
if left=$(flux job timeleft); then export KYRTOS_END_TIME=$(($(date +%s) + left)); fi

flux run --nodes=2 --ntasks=8 --cores-per-task=8 --gpus-per-task=1 \
  -o cpu-affinity=per-task -o gpu-affinity=per-task kyrtos train "$@" --resume
code=$?

# 75: interrupted, with a checkpoint. The next job is one of the instance that this one runs in.
if [ $code -eq 75 ]; then flux --parent batch kyrtos.flux "$@"; fi
exit $code
