"""Helper task: what are the colours of hidden patches?"""

from __future__ import annotations

import numpy as np
import torch
from mmengine.structures import PixelData
from mmseg.registry import DATASETS

from mtlplugins.kinds import part_of_kind

from .base import DenseTarget
from .self_made import SelfMadeTarget

_GREY = 127  # of a hidden patch


@DATASETS.register_module()
@part_of_kind("pixels", "target")
class HiddenPixels(SelfMadeTarget, DenseTarget):
    """Pixels of random patches that are made grey, as float32 (H, W, 3) in 0 … 1; NaN elsewhere.

    As SimMIM predicts them (Xie et al. 2022, arXiv:2111.09886), with its patch and share. Channels
    are in the image's order.

    Args:
        patch: Side of a patch in pixels; those at the right and the bottom may be smaller.
        share: Share of the patches that are hidden, above 0 and below 1; at least one is.

    Raises:
        ValueError: An argument is out of range.
    """

    invalid = float("nan")

    def __init__(self, patch: int = 32, *, share: float = 0.6) -> None:
        if patch < 1 or not 0 < share < 1:
            raise ValueError(
                f"HiddenPixels: patch={patch}, share={share}: give 1 or more, and between 0 and 1"
            )
        self.patch = patch
        self.share = share

    def make(self, image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        height, width = image.shape[:2]
        rows, columns = -(-height // self.patch), -(-width // self.patch)
        count = max(1, round(self.share * rows * columns))
        chosen = np.zeros(rows * columns, bool)
        chosen[np.random.permutation(rows * columns)[:count]] = True
        hidden = np.kron(chosen.reshape(rows, columns), np.ones((self.patch, self.patch), bool))
        hidden = hidden[:height, :width].astype(bool)
        target = np.where(hidden[..., None], image.astype(np.float32) / 255, np.nan)
        changed = image.copy()
        changed[hidden] = _GREY
        return changed, target.astype(np.float32)

    def describe(self, value: np.ndarray) -> dict[str, int]:
        """Count the hidden pixels by their brightness."""
        bright = value[np.isfinite(value).all(-1)].mean(-1)
        return {"dark": int((bright < 0.5).sum()), "bright": int((bright >= 0.5).sum())}

    def pack(self, value: np.ndarray) -> PixelData:
        """Convert to a float32 map (3, H, W)."""
        return PixelData(data=torch.from_numpy(np.ascontiguousarray(value.transpose(2, 0, 1))))
