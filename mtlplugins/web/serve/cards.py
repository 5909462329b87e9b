"""Cards: predictions as HTML, a card per task, with the values for the pointer beside the colours.

The values of a map travel as a PNG image that is not shown: 16 bits, high byte in red and low byte
in green, its channels below each other. Both models' maps share one colour scale.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from html import escape
from io import BytesIO
from typing import Any

import numpy as np
from PIL import Image

from mtlplugins.apis.prediction import TaskPrediction
from mtlplugins.kinds import get_part
from mtlplugins.visualization import canvas

from .served import Answer

_STEPS = 65535
#: Longest side in pixels of a map on the page; downloads have all of them.
SHOWN = 512


def draw_cards(answers: Sequence[Answer]) -> str:
    """Draw the predictions of one or two checkpoints for the same image as HTML."""
    image = answers[0].prediction.image
    scale = min(1.0, SHOWN / max(image.shape[:2]))
    height, width = (max(1, round(side * scale)) for side in image.shape[:2])
    shown = canvas.resize(image, (height, width), smooth=True)
    cards = [_card("image", [_map(shown, "image")], "")]
    for task in answers[0].prediction:
        cards.append(_task_card(task, answers, (height, width)))
    return f'<div class="mtl-cards">{"".join(cards)}</div>'


def _task_card(task: str, answers: Sequence[Answer], size: tuple[int, int]) -> str:
    entry = answers[0].prediction.described[task]
    draw = get_part(entry["kind"], "drawer", task=task)
    fields = [answer.prediction.sample.get(f"pred_{task}") for answer in answers]
    found = [answer.prediction[task] for answer in answers]
    if len(answers) == 1:
        drawing = draw(None, fields[0], entry, size)
        tiles, keys = [drawing.prediction], [drawing.key]
    elif found[0].data is not None:  # a map of ground truth sets the scale of both
        drawing = draw(fields[0], fields[1], entry, size)
        tiles, keys = [drawing.truth, drawing.prediction], [drawing.key]
    else:
        tiles, keys = [draw(None, field, entry, size).prediction for field in fields], []
    maps = [
        _map(tile, task, one, answer.checkpoint if len(answers) > 1 else "", size)
        for tile, one, answer in zip(tiles, found, answers, strict=True)
    ]
    key = "".join(
        f'<img class="mtl-key" alt="colours of {escape(task)}" src="{_png(k)}">' for k in keys
    )
    return _card(task, maps, key if found[0].data is not None else "", found[0].unit)


def _card(title: str, maps: Sequence[str], key: str, unit: str = "") -> str:
    heading = escape(title) + (f" <small>{escape(unit)}</small>" if unit else "")
    return (
        f'<figure class="mtl-card" data-task="{escape(title)}"><figcaption>{heading}</figcaption>'
        f'<div class="mtl-maps">{"".join(maps)}{key}</div></figure>'
    )


def _map(
    tile: np.ndarray,
    task: str,
    found: TaskPrediction | None = None,
    checkpoint: str = "",
    size: tuple[int, int] = (1, 1),
) -> str:
    values = ""
    if found is not None and found.data is not None:
        packed, meta = pack_values(found, size)
        values = f' data-values="{_png(packed)}" data-meta="{escape(json.dumps(meta))}"'
    name = f"<span>{escape(checkpoint)}</span>" if checkpoint else ""
    kind = "mtl-map" if found is None or found.data is not None else "mtl-text"
    return (
        f'<div class="{kind}"{values}>{name}<div class="mtl-frame">'
        f'<img alt="{escape(task)}" src="{_png(tile)}"><i></i></div>'
        f"{'<output>&nbsp;</output>' if values else ''}</div>"
    )


def pack_values(found: TaskPrediction, size: tuple[int, int]) -> tuple[np.ndarray, dict[str, Any]]:
    """Pack a map's values into pixels: value = low + step · (256 · red + green).

    Args:
        found: Prediction with a map.
        size: (height, width) of the packed map.

    Returns:
        The pixels, uint8 (C · height, width, 3), and ``low``, ``step``, ``channels``, ``unit`` and
        the ``names`` of values that are classes.
    """
    data = np.atleast_3d(np.asarray(found.data))
    rows, columns = (
        (np.arange(new) + 0.5) * old / new for new, old in zip(size, data.shape, strict=False)
    )
    data = data[rows.astype(int)][:, columns.astype(int)]
    low, high = float(data.min()), float(data.max())
    step = 1.0 if found.classes else max(high - low, 1e-12) / _STEPS
    whole = np.rint((data - low) / step).astype(np.uint16).transpose(2, 0, 1)
    flat = whole.reshape(-1, whole.shape[2])
    pixels = np.stack([flat >> 8, flat & 255, np.zeros_like(flat)], axis=2).astype(np.uint8)
    meta = dict(low=low, step=step, channels=data.shape[2], unit=found.unit)
    return pixels, meta | dict(names=list(found.classes))


def _png(pixels: np.ndarray) -> str:
    written = BytesIO()
    Image.fromarray(pixels).save(written, "PNG", compress_level=1)
    return "data:image/png;base64," + base64.b64encode(written.getvalue()).decode()
