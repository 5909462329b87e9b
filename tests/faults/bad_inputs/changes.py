"""Damage to files: each entry makes a function that damages files below a folder."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from tests._data import write

Change = Callable[[Path], object]


def content(name: str, data: str | bytes) -> Change:
    """Write a file, in place of what is there."""
    data = data.encode() if isinstance(data, str) else data

    def change(folder: Path) -> None:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)

    return change


def pixels(name: str, values: np.ndarray) -> Change:
    """Write an image."""
    return lambda folder: write(folder / name, values)


def cut(name: str, share: float = 0.5) -> Change:
    """Cut a file short."""

    def change(folder: Path) -> None:
        whole = (folder / name).read_bytes()
        (folder / name).write_bytes(whole[: int(share * len(whole))])

    return change


def remove(name: str) -> Change:
    """Remove a file or a folder."""

    def change(folder: Path) -> None:
        path = folder / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()

    return change


def link(name: str, target: str) -> Change:
    """Put a symbolic link in a file's place."""

    def change(folder: Path) -> None:
        (folder / name).unlink(missing_ok=True)
        (folder / name).symlink_to(target)

    return change


def folder_at(name: str) -> Change:
    """Put an empty folder in a file's place."""

    def change(folder: Path) -> None:
        (folder / name).unlink(missing_ok=True)
        (folder / name).mkdir(parents=True)

    return change


def checkpoint(name: str, edit: Callable[[dict[str, Any]], object]) -> Change:
    """Write the trained checkpoint with something changed in it."""

    def change(folder: Path) -> None:
        state = torch.load(folder / "work/epoch_1.pth", map_location="cpu", weights_only=True)
        edit(state)
        torch.save(state, folder / name)

    return change


def all_of(*changes: Change) -> Change:
    """Do several things."""

    def change(folder: Path) -> None:
        for one in changes:
            one(folder)

    return change
