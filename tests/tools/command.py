"""Running a tool of the repository as its command line would, inside this process."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def run_tool(monkeypatch, tool: str, *arguments: object) -> None:
    """Run ``tools/<tool>`` with these arguments."""
    path = ROOT / "tools" / tool
    monkeypatch.setattr(sys, "argv", [str(path), *map(str, arguments)])
    # argparse tools end with sys.exit(None) or by returning
    try:
        runpy.run_path(str(path), run_name="__main__")
    except SystemExit as stop:
        assert not stop.code, stop.code


def load_tool(tool: str) -> dict:
    """Give the names that ``tools/<tool>`` defines."""
    return runpy.run_path(str(ROOT / "tools" / tool))
