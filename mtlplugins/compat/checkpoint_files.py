"""Checkpoint files of MMEngine: written atomically, and checked for damage before loading."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import mmengine.runner as mmengine_runners
import torch
from mmengine.runner import CheckpointLoader
from mmengine.runner import checkpoint as mmengine_checkpoint
from mmengine.runner import runner as mmengine_runner

from mtlplugins.io.atomic_file import write_atomically
from mtlplugins.io.integrity import DamagedCheckpoint, find_damage

from ._replace import replace_once


def save_atomically() -> None:
    """Write local checkpoints atomically: to a temporary file, synced, then renamed.

    Breaks: a kill, a full disk or a power cut in the middle of a save leaves half a checkpoint
    under its final name, over a whole one that may have been there; and the file is built in
    memory first, so saving takes twice its size.
    Since: every MMEngine up to 0.10.7.
    Ends: when MMEngine's local backend writes atomically. Other backends (paths with ``://``) are
    left to MMEngine.
    """
    # modules that imported it by name
    for module in (mmengine_checkpoint, mmengine_runner, mmengine_runners):
        replace_once(module, "save_checkpoint", _atomically)


def check_before_loading() -> None:
    """Refuse damaged local checkpoints, by the checksums in the file.

    Breaks: a flipped bit changes weights silently, because ``torch.load`` ignores the checksums.
    Since: every PyTorch up to 2.11.
    Ends: when PyTorch verifies them.
    """
    replace_once(CheckpointLoader, "load_checkpoint", _checked)


def _atomically(save: Callable[..., None]) -> Callable[..., None]:
    def save_checkpoint(checkpoint: dict, filename: str, *args: Any, **kwargs: Any) -> None:
        """Save by MMEngine's function, to a file that appears whole or not at all."""
        if "://" in str(filename):
            save(checkpoint, filename, *args, **kwargs)
            return
        path = Path(filename)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, lambda part: _write(checkpoint, part))

    return save_checkpoint


def _write(checkpoint: dict, path: Path) -> None:
    # opened here: PyTorch's writer turns a full disk into a RuntimeError without the reason
    with path.open("wb") as file:
        torch.save(checkpoint, file)


def _checked(load: Callable[..., Any]) -> Callable[..., Any]:
    def load_checkpoint(filename: str, *args: Any, **kwargs: Any) -> Any:
        """Check the file, then load it by MMEngine's function."""
        path = Path(filename)
        if path.is_file() and (damage := find_damage(path)):
            raise DamagedCheckpoint(path, damage)
        return load(filename, *args, **kwargs)

    return load_checkpoint
