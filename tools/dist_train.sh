#!/usr/bin/env bash
# Train with several processes on each machine, one per GPU (or on the CPU where there is none).
#
#   tools/dist_train.sh CONFIG PROCESSES [arguments of train.py]
#
# Environment: NNODES machines (1), of which this is number NODE_RANK (0); the first one listens on
# MASTER_ADDR (127.0.0.1) and PORT (29500). PYTHON is the interpreter (python).
set -euo pipefail

if [[ $# -lt 2 || ! $2 =~ ^[1-9][0-9]*$ ]]; then
    echo "usage: $0 CONFIG PROCESSES [arguments of train.py]" >&2
    exit 2
fi
config=$1
processes=$2
shift 2
tools=$(cd "$(dirname "$0")" && pwd)

# Each process gets its share of the cores; PyTorch would give it all of them, torchrun one.
if [[ -z ${OMP_NUM_THREADS:-} ]]; then
    cores=$(nproc 2>/dev/null || getconf _NPROCESSORS_ONLN)
    export OMP_NUM_THREADS=$((cores > processes ? cores / processes : 1))
fi

PYTHONPATH=$tools/..${PYTHONPATH:+:$PYTHONPATH} exec "${PYTHON:-python}" -m torch.distributed.run \
    --nnodes="${NNODES:-1}" --node-rank="${NODE_RANK:-0}" --nproc-per-node="$processes" \
    --master-addr="${MASTER_ADDR:-127.0.0.1}" --master-port="${PORT:-29500}" \
    "$tools/train.py" "$config" --launcher pytorch "$@"
