"""Run a tool inside this process, without the slow parts of a start, and read its error."""

from __future__ import annotations

import gc
import runpy
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import mmengine.config.config as mmengine_config
import pytest
from mmengine.registry import DefaultScope
from mmengine.runner import runner as mmengine_runner

from tests._instances import forget_runs
from tests.tools.command import ROOT


@contextmanager
def quick_starts() -> Iterator[None]:
    """Leave out what does not matter here, and takes seconds of each start."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mmengine_runner, "collect_env", dict)
        patch.setattr(mmengine_config, "FormatCode", lambda text, **_: (text, True))
        gc.collect()
        gc.freeze()  # data sets collect garbage, of which a process with torch has a lot to look at
        yield
        gc.unfreeze()


def run(
    command: str, patch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture | None = None
) -> str | None:
    """Run a tool.

    Args:
        command: As it is typed, without ``python tools/``.
        patch: Takes the arguments back afterwards.
        capsys: Catches what is printed, for tools that say on the screen what is wrong.

    Returns:
        What a user reads at the end if it failed; None where it did not.
    """
    tool, *arguments = shlex.split(command)
    path = str(ROOT / "tools" / tool)
    # a process of its own would not find what the last run left, such as its visualizer
    forget_runs()
    DefaultScope._instance_dict.clear()
    patch.setattr(sys, "argv", [path, *arguments])
    if capsys is not None:
        capsys.readouterr()
    try:
        runpy.run_path(path, run_name="__main__")
    except SystemExit as stop:
        if not stop.code:
            return None
        printed = capsys.readouterr() if capsys is not None else ("", "")
        return "".join((*printed, str(stop.code)))
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return None
