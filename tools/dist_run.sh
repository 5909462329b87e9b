#!/usr/bin/env bash
# Run a tool in several processes on each machine, one per GPU (or on the CPU where there is none);
# dist_train.sh and dist_test.sh call it.
#
#   tools/dist_run.sh TOOL PROCESSES [arguments of the tool]
#
# Environment: NNODES machines (1), of which this is number NODE_RANK (0); the first one listens on
# MASTER_ADDR (127.0.0.1) and PORT (29500). PYTHON is the interpreter (python).
set -euo pipefail

tools=$(cd "$(dirname "$0")" && pwd)
tool=$1
processes=$2
shift 2

# Each process gets its share of the cores; PyTorch would give it all of them, torchrun one.
if [[ -z ${OMP_NUM_THREADS:-} ]]; then
    cores=$(nproc 2>/dev/null || getconf _NPROCESSORS_ONLN)
    export OMP_NUM_THREADS=$((cores > processes ? cores / processes : 1))
fi

PYTHONPATH=$tools/..${PYTHONPATH:+:$PYTHONPATH} exec "${PYTHON:-python}" -m torch.distributed.run \
    --nnodes="${NNODES:-1}" --node-rank="${NODE_RANK:-0}" --nproc-per-node="$processes" \
    --master-addr="${MASTER_ADDR:-127.0.0.1}" --master-port="${PORT:-29500}" \
    "$tools/$tool" "$@" --launcher pytorch
