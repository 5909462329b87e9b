"""Drawers of image-level kinds: names, scores and numbers as lines of text."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
from mmengine.structures import LabelData

from mtlplugins.kinds import part_of_kind

from . import canvas
from .drawers import Drawing

CORRECT = (40, 140, 60)
SHOWN_SCORES = 3


@part_of_kind("classification", "drawer")
@part_of_kind("ordinal", "drawer")
def draw_classification(
    truth: LabelData | None, prediction: LabelData | None, entry: dict, size: tuple[int, int]
) -> Drawing:
    """Draw the true class, and the best scores, with the true class always shown, in green.

    Raises:
        ValueError: The label or the number of scores does not fit the classes.
    """
    names = entry["classes"]
    label = None if truth is None else int(truth.get("label"))
    if label is not None and not 0 <= label < len(names):
        raise ValueError(f"label {label} is outside the {len(names)} classes")
    name_tile = None if label is None else canvas.text(names[label], bold=True, colour=CORRECT)
    return _drawing(name_tile, prediction, names, [] if label is None else [label])


@part_of_kind("multilabel", "drawer")
def draw_labels(
    truth: LabelData | None, prediction: LabelData | None, entry: dict, size: tuple[int, int]
) -> Drawing:
    """Draw the true classes, and the best scores, with the true classes always shown, in green.

    Raises:
        ValueError: The number of labels or scores does not fit the classes.
    """
    names = entry["classes"]
    labels = [] if truth is None else truth.get("label").flatten().tolist()
    if truth is not None and len(labels) != len(names):
        raise ValueError(f"{len(labels)} labels do not fit the {len(names)} classes")
    true = [index for index, label in enumerate(labels) if label]
    lines = [names[index] for index in true] or ["none"]
    tile = canvas.grid([[canvas.text(line, bold=True, colour=CORRECT)] for line in lines], gap=4)
    return _drawing(None if truth is None else tile, prediction, names, true)


@part_of_kind("regression", "drawer")
def draw_numbers(
    truth: LabelData | None, prediction: LabelData | None, entry: dict, size: tuple[int, int]
) -> Drawing:
    """Draw each number after its name, with its unit."""
    tiles = []
    for field in (truth, prediction):
        if field is None:
            tiles.append(None)
            continue
        numbers = field.get("numbers").detach().float().cpu().tolist()
        names = entry.get("names") or tuple(map(str, range(len(numbers))))
        unit = f" {entry['unit']}" if entry.get("unit") else ""
        lines = [f"{number:.4g}{unit}" for number in numbers]
        if len(numbers) > 1:
            lines = [f"{name}: {line}" for name, line in zip(names, lines, strict=True)]
        tiles.append(canvas.grid([[canvas.text(line)] for line in lines], gap=4))
    return Drawing(*tiles, canvas.blank(1, 1))


def _drawing(
    truth: np.ndarray | None,
    prediction: LabelData | None,
    names: Sequence[str],
    true: Collection[int],
) -> Drawing:
    """Draw the best scores beside the tile of the ground truth."""
    if prediction is None:
        return Drawing(truth, None, canvas.blank(1, 1))
    scores = prediction.get("score").detach().float().cpu().numpy()
    if scores.shape != (len(names),):
        raise ValueError(f"{scores.shape} scores do not fit the {len(names)} classes")
    shown = np.argsort(-scores, kind="stable")[:SHOWN_SCORES].tolist()
    shown += [index for index in true if index not in shown]
    rows = []
    for index in shown:
        correct = index in true
        colour = CORRECT if correct else canvas.INK
        name = canvas.text(names[index] + (" ✓" if correct else ""), bold=correct, colour=colour)
        percent = canvas.text(f"{100 * scores[index]:.1f} %", bold=correct, colour=colour)
        bar = canvas.blank(name.shape[0], 102)
        bar[4:-4] = (230, 230, 230)
        bar[4:-4, : round(100 * float(scores[index])) + 2] = CORRECT if correct else (110, 110, 110)
        rows.append([name, percent, bar])
    return Drawing(truth, canvas.grid(rows, gap=8), canvas.blank(1, 1))
