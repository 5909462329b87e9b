"""Panels of the images with the worst problems."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from PIL import Image

from mtlplugins.datasets import MultiTaskDataset
from mtlplugins.structures import MultiTaskDataSample
from mtlplugins.visualization import canvas, draw_panel

from .images import UNREADABLE, load_image, load_target
from .run import Check

COUNT = 8
_SHOWN = (240, 320)  # size of the placeholder for an unreadable image


def write_worst_images(check: Check, folder: Path) -> list[Path]:
    """Draw the images with problems, then the ones with the emptiest targets.

    Each is drawn with its readable targets and the messages. Unreadable images come last.
    """
    worst: dict[tuple[str, int, int], list[str]] = {}
    for problem in sorted(check.problems, key=lambda p: (not p.error, p.kind == UNREADABLE)):
        if problem.image is not None:
            key = problem.split, problem.source, problem.image
            worst.setdefault(key, []).append(problem.message)
    emptiest = [e for of_split in check.findings for found in of_split for e in found.emptiest]
    for entry in sorted(emptiest, key=lambda e: -e.missing):
        key = entry.split, entry.source, entry.image
        if key not in worst:
            worst[key] = [f"{entry.missing:.1%} of task {entry.task!r} is missing or ignored"]
    by_name = {split.name: split for split in check.splits}
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for number, ((split, source, image), messages) in enumerate(list(worst.items())[:COUNT], 1):
        dataset = by_name[split].sources[source]
        file = dataset.get_data_info(image)["img_path"]
        # only characters that cannot lead out of the folder
        name = re.sub(r"[^A-Za-z0-9_-]", "_", Path(file).stem)[:60]
        written.append(folder / f"{number:02d}_{name}.png")
        Image.fromarray(_draw(dataset, image, [f"{split}: {file}", *messages])).save(written[-1])
    return written


def _draw(dataset: MultiTaskDataset, index: int, messages: Iterable[str]) -> np.ndarray:
    panel = draw_targets(dataset, index)
    lines = [line for m in messages for line in textwrap.wrap(m, canvas.LONGEST_TEXT)]
    return canvas.grid([[panel], [canvas.grid([[canvas.text(line)] for line in lines])]], gap=8)


def draw_targets(dataset: MultiTaskDataset, index: int) -> np.ndarray:
    """Draw an image and those of its targets that can be read: uint8 RGB (H, W, 3)."""
    sample = MultiTaskDataSample()
    tasks = list(dataset.tasks_of(index))
    try:
        info = load_image(dataset, index)
        image = np.ascontiguousarray(info["img"][..., ::-1])
    except Exception:
        info, tasks, image = {}, [], canvas.message("cannot be read", _SHOWN)
    for task in tasks:
        try:
            value = load_target(info, task)
        except Exception:  # the data check has its message
            continue
        setattr(sample, f"gt_{task}", dataset.target_types[task].pack(value))
    return draw_panel(image, sample, dataset.metainfo["tasks"], draw_pred=False)
