#!/usr/bin/env bash
# Train with several processes on each machine.
#
#   tools/dist_train.sh CONFIG PROCESSES [arguments of train.py]
#
# Environment: as for dist_run.sh.
set -euo pipefail

if [[ $# -lt 2 || ! $2 =~ ^[1-9][0-9]*$ ]]; then
    echo "usage: $0 CONFIG PROCESSES [arguments of train.py]" >&2
    exit 2
fi
exec "$(dirname "$0")/dist_run.sh" train.py "$2" "$1" "${@:3}"
