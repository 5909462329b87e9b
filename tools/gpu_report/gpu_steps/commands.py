"""Calls of the command-line tools."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from . import ROOT
from .steps import Setting


def train(
    config: str,
    work_dir: Path,
    options: Sequence[str],
    setting: Setting,
    *,
    resume: bool = False,
    amp: bool = False,
    seconds: float | None = None,
) -> bool:
    """Train a config.

    Args:
        config: Path below the repository's root.
        work_dir: Folder of the run.
        options: ``--cfg-options``.
        setting: Setting with the device.
        resume: Whether to resume from the newest checkpoint.
        amp: Whether to train in bfloat16.
        seconds: Time after which the run is told to save and stop; None for no limit.

    Returns:
        Whether the run finished.

    Raises:
        RuntimeError: The run failed.
    """
    flags = ["--resume"] * resume + ["--amp"] * amp
    arguments = [config, "--work-dir", str(work_dir), *flags, "--cfg-options", *options]
    return call("tools/train.py", arguments, setting, seconds=seconds)


def call(
    tool: str, arguments: Sequence[str], setting: Setting, *, seconds: float | None = None
) -> bool:
    """Run a tool of the repository; see :func:`train`."""
    hidden = dict(CUDA_VISIBLE_DEVICES="") if setting.device == "cpu" else {}
    process = subprocess.Popen(
        [sys.executable, tool, *arguments], cwd=ROOT, env=os.environ | hidden
    )
    try:
        code = process.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGTERM)
        process.wait()
        return False
    if code:
        raise RuntimeError(f"{tool} {' '.join(arguments)} ended with {code}: see the log")
    return True
