#!/usr/bin/env bash
# Run a tool in distributed processes (torchrun), one per GPU, or on the CPU if there is none.
# Called by dist_train.sh and dist_test.sh.
#
#   tools/dist_run.sh TOOL PROCESSES [arguments of the tool]
#
# Environment, with defaults: NNODES, number of machines (1); NODE_RANK, rank of this machine (0);
# MASTER_ADDR (127.0.0.1) and PORT (29500) of the first machine; PYTHON, interpreter (python).
set -euo pipefail

tools=$(cd "$(dirname "$0")" && pwd)
tool=$1
processes=$2
shift 2

# Divide the cores among the processes; PyTorch would use all in each one, torchrun one core.
if [[ -z ${OMP_NUM_THREADS:-} ]]; then
    cores=$(nproc 2>/dev/null || getconf _NPROCESSORS_ONLN)
    export OMP_NUM_THREADS=$((cores > processes ? cores / processes : 1))
fi

PYTHONPATH=$tools/..${PYTHONPATH:+:$PYTHONPATH} exec "${PYTHON:-python}" -m torch.distributed.run \
    --nnodes="${NNODES:-1}" --node-rank="${NODE_RANK:-0}" --nproc-per-node="$processes" \
    --master-addr="${MASTER_ADDR:-127.0.0.1}" --master-port="${PORT:-29500}" \
    "$tools/$tool" "$@" --launcher pytorch
