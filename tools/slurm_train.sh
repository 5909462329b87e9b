#!/usr/bin/env bash
# Train on a Slurm cluster with one process per GPU.
#
#   tools/slurm_train.sh PARTITION JOB_NAME CONFIG WORK_DIR [arguments of train.py]
#
# Environment, with defaults: GPUS, total number (4); GPUS_PER_NODE (4); CPUS_PER_TASK (5);
# SRUN_ARGS, more arguments of srun, split at spaces; PYTHON, interpreter (python).
set -euo pipefail

if [[ $# -lt 4 ]]; then
    echo "usage: $0 PARTITION JOB_NAME CONFIG WORK_DIR [arguments of train.py]" >&2
    exit 2
fi
partition=$1
job_name=$2
config=$3
work_dir=$4
shift 4
tools=$(cd "$(dirname "$0")" && pwd)
gpus=${GPUS:-4}
gpus_per_node=${GPUS_PER_NODE:-4}
if ((gpus_per_node > gpus)); then
    gpus_per_node=$gpus
fi

# shellcheck disable=SC2086  # SRUN_ARGS is meant to be split
PYTHONPATH=$tools/..${PYTHONPATH:+:$PYTHONPATH} exec srun \
    --partition="$partition" --job-name="$job_name" --gres="gpu:$gpus_per_node" \
    --ntasks="$gpus" --ntasks-per-node="$gpus_per_node" --cpus-per-task="${CPUS_PER_TASK:-5}" \
    --kill-on-bad-exit=1 ${SRUN_ARGS:-} \
    "${PYTHON:-python}" -u "$tools/train.py" "$config" --work-dir="$work_dir" \
    --launcher=slurm "$@"
