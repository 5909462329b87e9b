"""Run a tool of the repository inside this process, as its command line would."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

from tests._instances import forget_runs

ROOT = Path(__file__).parents[2]


def run_tool(monkeypatch, tool: str, *arguments: object) -> None:
    """Run ``tools/<tool>`` with these arguments; fails where the tool exits with an error."""
    path = ROOT / "tools" / tool
    # a process of its own would not find the last run's visualizer, which writes to its own folder
    forget_runs()
    monkeypatch.setattr(sys, "argv", [str(path), *map(str, arguments)])
    try:
        runpy.run_path(str(path), run_name="__main__")
    except SystemExit as stop:
        if stop.code:
            raise RuntimeError(f"{tool} exited with {stop.code}") from stop


def load_tool(tool: str) -> dict:
    """Give the names that ``tools/<tool>`` defines."""
    return runpy.run_path(str(ROOT / "tools" / tool))
