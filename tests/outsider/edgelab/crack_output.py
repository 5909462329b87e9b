"""Panels, prediction files and the blind baseline of cracks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.structures import PixelData
from PIL import Image

from mtlplugins.analysis.blind import BlindPredictor
from mtlplugins.kinds import enter, part_of_kind
from mtlplugins.visualization import Drawing, Writer, canvas


def _grey(field: PixelData) -> np.ndarray:
    return np.rint(255 * field.data[0].cpu().numpy().clip(0, 1)).astype(np.uint8)


@part_of_kind("cracks", "drawer")
def draw_cracks(
    truth: PixelData | None, prediction: PixelData | None, entry: dict, size: tuple[int, int]
) -> Drawing:
    tiles = [
        None if field is None else canvas.resize(np.dstack([_grey(field)] * 3), size)
        for field in (truth, prediction)
    ]
    return Drawing(*tiles, canvas.legend([("crack", (255, 255, 255))], size[0]))


def _write(field: PixelData, entry: dict[str, Any], path: Path) -> None:
    Image.fromarray(_grey(field)).save(path)


def _fit(targets: Sequence[PixelData], entry: dict[str, Any]) -> np.ndarray:
    return np.mean([target.data[0].clamp(min=0).numpy() for target in targets], axis=0)


def _predict(value: np.ndarray, target: PixelData) -> PixelData:
    return PixelData(data=torch.from_numpy(value)[None])


enter("cracks", "writer", Writer(".png", _write))
enter("cracks", "blind", BlindPredictor(_fit, _predict))
