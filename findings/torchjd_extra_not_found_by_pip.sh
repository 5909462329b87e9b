#!/usr/bin/env bash
# The command that TorchJD's error recommends leaves the package as incomplete as it was, with the pip of Python 3.11.
#
# torchjd 0.18.0 with pip 23.2.1. UPGrad without its solver raises ImportError and says what to install:
# torchjd[quadprog_projector]. The package declares the extra as quadprog-projector; pip from 23.3 on takes the two for
# the same, pip 23.2.1, which comes with Python 3.11.7, warns that there is no such extra, and ends with success.
# Written with a hyphen, both find it.
# Seen:
#   torchjd 0.18.0, pip 23.2.1
#   quadprog_projector: not found
#   quadprog-projector: found
#   with pip 25.3
#   quadprog_projector: found
# Exit status 1 where that has become different.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
pip=("$folder/venv/bin/python" -m pip --disable-pip-version-check)

found() { # whether pip finds an extra of the package: its solver would be installed then
    "${pip[@]}" install --dry-run --no-cache-dir --report "$folder/report.json" -q "torchjd[$1]==0.18.0" 2>/dev/null
    if grep -q '"name": "qpsolvers"' "$folder/report.json"; then echo "$1: found"; else echo "$1: not found"; fi
}

"${pip[@]}" install -q pip==23.2.1
"${pip[@]}" install -q torch==2.11.0 numpy # what torchjd needs, so that the dry runs are short
echo "torchjd 0.18.0, pip 23.2.1"
first=$(found quadprog_projector) second=$(found quadprog-projector)
printf '%s\n' "$first" "$second"
"${pip[@]}" install -q pip==25.3
echo "with pip 25.3"
third=$(found quadprog_projector)
echo "$third"
[[ $first == *"not found" && $second == *": found" && $third == *": found" ]]
