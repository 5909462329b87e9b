#!/usr/bin/env bash
# Evaluate a checkpoint with several processes on each machine.
#
#   tools/dist_test.sh CONFIG CHECKPOINT PROCESSES [arguments of test.py]
#
# Environment: as for dist_run.sh.
set -euo pipefail

if [[ $# -lt 3 || ! $3 =~ ^[1-9][0-9]*$ ]]; then
    echo "usage: $0 CONFIG CHECKPOINT PROCESSES [arguments of test.py]" >&2
    exit 2
fi
exec "$(dirname "$0")/dist_run.sh" test.py "$3" "$1" "$2" "${@:4}"
