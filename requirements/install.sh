#!/usr/bin/env bash
# Make or complete the environment of `make venv`:
#     requirements/install.sh VENV PYTHON STAMP
# VENV is created with PYTHON unless it is an environment already. STAMP is touched at the very end
# and nowhere else, so whatever was interrupted is done again.
set -euo pipefail

venv=$1 python=$2 stamp=$3
venv_python=$venv/bin/python
unfinished=$venv/.mtlplugins-unfinished # from the creation of VENV to its first whole install
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_REQUIRE_VIRTUALENV=0

fail() {
    printf 'make venv: %s\n' "$@" >&2
    exit 1
}

check_version() {
    "$1" -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 13))' || fail \
        "$1 is $("$1" --version 2>&1); Python 3.10 to 3.13 is needed." "$2"
}

create() {
    command -v "$python" >/dev/null || fail "there is no '$python'; choose one with PYTHON=..."
    check_version "$python" "Choose another with, for example, make venv PYTHON=python3.11"
    "$python" -c 'import ensurepip, venv' 2>/dev/null || fail \
        "$python cannot create environments: its venv or ensurepip module is missing." \
        "On Debian and Ubuntu: sudo apt install python3-venv"
    echo "Creating the environment $venv"
    mkdir -p "$venv"
    touch "$unfinished"
    find "$venv" -mindepth 1 ! -path "$unfinished" -delete # what an interrupted attempt left
    "$python" -m venv "$venv"
}

# Two calls at once: the second waits, then finds the work done.
if command -v flock >/dev/null; then
    exec 9<requirements/lock.txt
    flock 9
fi
if [[ $stamp -nt requirements/lock.txt && $stamp -nt setup.py ]]; then
    exit 0
fi

if [[ -e $unfinished || ! -e $venv ]] || [[ -d $venv && -z $(ls -A "$venv") ]]; then
    create
fi
[[ -x $venv_python ]] || fail \
    "$venv exists but is no environment: there is no $venv_python." \
    "Name another folder with VENV=..."
check_version "$venv_python" "Name another environment with VENV=..."
"$venv_python" -m pip --version >/dev/null 2>&1 || fail \
    "$venv has no pip; add it with $venv_python -m ensurepip"

echo "Installing requirements/lock.txt into $venv: about 5 GB, some minutes when it is new"
"$venv_python" -m pip install --quiet -r requirements/lock.txt
"$venv_python" -m pip install --quiet --no-deps --no-build-isolation --use-pep517 -e .
rm -f "$unfinished"
touch "$stamp"
echo "Ready: $venv (source $venv/bin/activate)"
