"""Write requirements/lock.txt: one pinned environment for Linux and Python 3.10 to 3.13.

In a new environment of each Python, let pip say what it would install, then merge the answers:

    python3.10 -m venv v310
    v310/bin/python -m pip install --dry-run --report 3.10.json -r requirements/lock.in
    (the same for 3.11, 3.12 and 3.13)
    python requirements/make_lock.py 3.10.json 3.11.json 3.12.json 3.13.json > requirements/lock.txt
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

HEADER = """\
# The tested environment, pinned: Linux, Python 3.10 to 3.13. Written by make_lock.py from lock.in;
# make_lock.py says how. What is missing here on purpose: the nvidia-* and triton wheels, which
# torch's own metadata pins exactly and per machine.
"""
PINNED_BY_TORCH = ("nvidia-", "cuda-toolkit", "triton")
LINUX_ONLY = ("cuda-bindings", "cuda-pathfinder")


def read_report(path: Path) -> tuple[str, dict[str, str]]:
    """Return the Python version ("3.11") and {distribution: version} of one pip report."""
    report = json.loads(path.read_text(encoding="utf-8"))
    versions = {}
    for item in report["install"]:
        metadata = item["metadata"]
        versions[metadata["name"].lower().replace("_", "-")] = metadata["version"]
    return report["environment"]["python_version"], versions


def lines_of(name: str, by_python: dict[str, str], pythons: list[str]) -> list[str]:
    """Return the lines that pin one distribution, with markers where they are needed."""
    pythons_of: dict[str, list[str]] = {}
    for python in pythons:
        if python in by_python:
            pythons_of.setdefault(by_python[python], []).append(python)
    lines = []
    for version, users in pythons_of.items():
        markers = []
        if users != pythons:
            markers.append(python_marker(users, pythons))
        if name in LINUX_ONLY:
            markers.append('platform_system == "Linux"')
        pin = f"{name}=={version}"
        lines.append(f"{pin} ; {' and '.join(markers)}" if markers else pin)
    return lines


def python_marker(users: list[str], pythons: list[str]) -> str:
    """Return a marker that holds for `users` among `pythons`, both from old to new."""
    if len(users) > 1 and users == pythons[-len(users) :]:
        return f'python_version >= "{users[0]}"'
    either = " or ".join(f'python_version == "{python}"' for python in users)
    return f"({either})" if len(users) > 1 else either


def main(paths: list[Path]) -> None:
    """Merge the reports at `paths` and print the lock file."""
    reports = dict(read_report(path) for path in paths)
    pythons = sorted(reports, key=lambda python: tuple(map(int, python.split("."))))
    names = sorted({name for versions in reports.values() for name in versions})
    sys.stdout.write(HEADER)
    for name in names:
        if not name.startswith(PINNED_BY_TORCH):
            by_python = {p: v[name] for p, v in reports.items() if name in v}
            sys.stdout.write("\n".join(lines_of(name, by_python, pythons)) + "\n")


if __name__ == "__main__":
    if len(sys.argv) == 1:
        sys.exit(__doc__)
    main([Path(argument) for argument in sys.argv[1:]])
