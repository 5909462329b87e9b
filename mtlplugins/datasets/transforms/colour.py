"""Random colours."""

from __future__ import annotations

import numpy as np
from mmcv.transforms import BaseTransform
from mmseg.registry import TRANSFORMS
from PIL import Image
from torchvision.transforms import ColorJitter


@TRANSFORMS.register_module()
class MultiTaskColorJitter(BaseTransform):
    """torchvision's ``ColorJitter`` on the picture, which the thesis uses (section 4.4).

    mmpretrain's transform of that name goes through mmcv's ``adjust_hue``, which overflows for
    negative angles with NumPy 2 (mmcv 2.1.0).

    Args:
        brightness: Factors are drawn from 1 ± this.
        contrast: Likewise.
        saturation: Likewise.
        hue: Turns of the colour circle are drawn from ± this, at most 0.5.
    """

    def __init__(
        self,
        *,
        brightness: float = 0.2,
        contrast: float = 0.2,
        saturation: float = 0.2,
        hue: float = 0.1,
    ) -> None:
        self.jitter = ColorJitter(brightness, contrast, saturation, hue)

    def transform(self, results: dict) -> dict:
        picture = Image.fromarray(np.ascontiguousarray(results["img"][..., ::-1]))
        results["img"] = np.ascontiguousarray(np.asarray(self.jitter(picture))[..., ::-1])
        return results
