"""Downloads: predictions as PNG, .npy and JSON."""

from __future__ import annotations

import json
import shutil
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from mtlplugins.apis.prediction import TaskPrediction

from .served import Answer

#: Seconds after their last use at which uploads and downloads are removed.
KEPT = 3600.0


class Downloads:
    """Folder of the server's uploads and downloads, from which old ones are removed.

    Args:
        folder: The folder.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._kept: set[Path] = set()

    def keep_what_is_there(self) -> None:
        """Never remove what the folder holds now: copies of the examples."""
        self._kept = set(self.folder.iterdir())

    def remove_old(self) -> None:
        """Remove what is older than ``KEPT``."""
        oldest = time.time() - KEPT
        for path in set(self.folder.iterdir()) - self._kept:
            with suppress(FileNotFoundError):  # removed by another thread meanwhile
                if path.stat().st_mtime < oldest:
                    if path.is_dir():
                        shutil.rmtree(path, ignore_errors=True)
                    else:
                        path.unlink()

    def write(self, answers: Sequence[Answer]) -> list[str]:
        """Write panels, maps and numbers of predictions, and return the files' paths."""
        folder = Path(tempfile.mkdtemp(dir=self.folder))
        files = []
        for number, answer in enumerate(answers):
            prefix = f"{number + 1}_" if len(answers) > 1 else ""
            files.append(folder / f"{prefix}panel.png")
            Image.fromarray(answer.prediction.panel()).save(files[-1], "PNG")
            for place, found in enumerate(answer.prediction.values()):
                if found.data is not None:
                    files.append(folder / f"{prefix}{_file_name(found.task) or place}.npy")
                    np.save(files[-1], found.data)
            files.append(folder / f"{prefix}predictions.json")
            files[-1].write_text(json.dumps(describe(answer), indent=1))
        return [str(file) for file in files]


def _file_name(task: str) -> str:
    """Keep the characters that cannot lead out of a folder: the name is the checkpoint's."""
    return "".join(c for c in task if c.isalnum() or c in "-_")


def describe(answer: Answer) -> dict[str, Any]:
    """Describe a prediction in what JSON holds: names and scores, and of maps their statistics."""
    tasks = {task: _describe_task(found) for task, found in answer.prediction.items()}
    return dict(checkpoint=answer.checkpoint, seconds=round(answer.seconds, 4), tasks=tasks)


def _describe_task(found: TaskPrediction) -> dict[str, Any]:
    described: dict[str, Any] = dict(kind=found.kind)
    if found.unit:
        described["unit"] = found.unit
    if found.data is not None:
        described["shape"] = list(found.data.shape)
        if found.classes:
            counts = np.bincount(found.data.ravel(), minlength=len(found.classes))
            shares = (counts / found.data.size).round(5).tolist()
            described["shares"] = dict(zip(found.classes, shares, strict=False))
        else:
            edges = ("min", "median", "max")
            values = (found.data.min(), np.median(found.data), found.data.max())
            described |= {edge: float(v) for edge, v in zip(edges, values, strict=True)}
    if found.scores is not None:
        described["scores"] = dict(zip(found.classes, found.scores.tolist(), strict=True))
    if found.label is not None:
        described["label"] = found.classes[found.label]
    if found.labels is not None:
        described["labels"] = [found.classes[label] for label in found.labels]
    if found.numbers is not None:
        described["numbers"] = found.numbers.tolist()
    return described
