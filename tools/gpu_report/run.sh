#!/usr/bin/env bash
# Measure on a GPU what the docs list as not measured. A bare machine with Python 3.12, PyTorch and timm is enough:
#     bash tools/gpu_report/run.sh OUT [--part 1|2] [--minutes N] [--device cpu] [--rehearse]
# Wheels of all other packages and the data lie in the folder that CARRIED names (./carried if unset);
# tools/gpu_report/pack.py fills it. OUT gets partN.jsonl, a line as soon as there is a result, and partN.log; what is
# done there already is not measured again. Then: python tools/gpu_report/render.py OUT
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
carried=${CARRIED:-$root/carried}
python=${PYTHON:-python3}

if compgen -G "$carried/wheels/*.whl" >/dev/null; then
    site=$(mktemp -d)
    trap 'rm -rf "$site"' EXIT
    "$python" -m pip install --quiet --no-index --no-deps --no-compile --target "$site" "$carried"/wheels/*.whl
    export PYTHONPATH=$site${PYTHONPATH:+:$PYTHONPATH}
fi
export PYTHONPATH=$root${PYTHONPATH:+:$PYTHONPATH}
"$python" "$root/tools/gpu_report/run.py" "$@" --carried "$carried"
