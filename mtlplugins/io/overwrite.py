"""Protection of input files from being overwritten by a tool's outputs."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path


def refuse_inputs(outputs: Iterable[str | Path], inputs: Iterable[str | Path]) -> None:
    """Refuse outputs that would overwrite an input, also through a link or another path.

    Args:
        outputs: Files that will be written.
        inputs: Files that are read; missing ones are ignored.

    Raises:
        ValueError: An output is the same file as an input.
    """
    existing = {file: path for path in outputs if (file := _file_at(path))}
    if not existing:  # the usual case; saves a stat of every input
        return
    for path in inputs:
        if (file := _file_at(path)) and (written := existing.get(file)):
            raise ValueError(
                f"--out: {written} would be written over {path}, which is read; choose another "
                "--out"
            )


def _file_at(path: str | Path) -> tuple[int, int] | None:
    """Identify the file at a path by device and inode; None if there is none."""
    try:
        status = Path(path).stat()
    except (OSError, ValueError):  # missing, or not a valid file name
        return None
    return status.st_dev, status.st_ino
