"""Protection of input files: a tool never overwrites what it reads."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path


def refuse_inputs(outputs: Iterable[str | Path], inputs: Iterable[str | Path]) -> None:
    """Refuse to write over what is read, also by another name for it, such as a link.

    Args:
        outputs: Files that are about to be written.
        inputs: Files that are read; what is not there is no obstacle.

    Raises:
        ValueError: An output is an input.
    """
    there = {file: path for path in outputs if (file := _file_at(path))}
    if not there:  # as a rule: then no input need be looked at
        return
    for path in inputs:
        if written := there.get(_file_at(path)):
            raise ValueError(
                f"--out: {written} would be written over {path}, which is read; choose another "
                "--out"
            )


def _file_at(path: str | Path) -> tuple[int, int] | None:
    try:
        status = Path(path).stat()
    except (OSError, ValueError):  # not there; or no name of a file at all
        return None
    return status.st_dev, status.st_ino
