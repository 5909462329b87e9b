"""Colour jitter."""

from __future__ import annotations

import cv2
import numpy as np
from mmcv.transforms import BaseTransform
from mmseg.registry import TRANSFORMS
from torchvision.transforms import ColorJitter


@TRANSFORMS.register_module()
class MultiTaskColorJitter(BaseTransform):
    """torchvision's ``ColorJitter`` for the image, as in the thesis (section 4.4).

    Draws the same numbers in the same order, but computes with OpenCV: a change of hue takes a
    fifth of Pillow's time and is exact to half a level, where Pillow's eight bits of hue cause
    errors of up to 11. mmpretrain's transform of that name uses mmcv's ``adjust_hue``, which
    overflows for negative angles with NumPy 2 (mmcv 2.1.0).

    Args:
        brightness: Factors are drawn from 1 ± this.
        contrast: Likewise.
        saturation: Likewise.
        hue: Rotations of the colour circle are drawn from ± this, at most 0.5.

    Raises:
        ValueError: A strength is negative, or ``hue`` above 0.5; or an image has other channels
            than three of 8 bits.
    """

    def __init__(
        self,
        *,
        brightness: float = 0.2,
        contrast: float = 0.2,
        saturation: float = 0.2,
        hue: float = 0.1,
    ) -> None:
        drawn = ColorJitter(brightness, contrast, saturation, hue)  # ranges, None for no effect
        self.ranges = drawn.brightness, drawn.contrast, drawn.saturation, drawn.hue

    def transform(self, results: dict) -> dict:
        if results["img"].dtype != np.uint8 or results["img"].shape[2:] != (3,):
            raise ValueError(
                f"MultiTaskColorJitter: {results.get('img_path', 'an image')} has shape "
                f"{results['img'].shape} and type {results['img'].dtype}, not three channels of 8 "
                "bits: leave it out of the pipeline"
            )
        order, *strengths = ColorJitter.get_params(*self.ranges)
        image = np.ascontiguousarray(results["img"])
        for index in order.tolist():
            if strengths[index] is not None:
                image = _CHANGES[index](image, strengths[index])
        results["img"] = image
        return results


def _brighten(bgr: np.ndarray, factor: float) -> np.ndarray:
    return cv2.addWeighted(bgr, factor, bgr, 0, 0)


def _contrast(bgr: np.ndarray, factor: float) -> np.ndarray:
    mean = round(cv2.mean(cv2.cvtColor(bgr, cv2.COLOR_BGR2GRAY))[0])
    return cv2.addWeighted(bgr, factor, bgr, 0, (1 - factor) * mean)


def _saturate(bgr: np.ndarray, factor: float) -> np.ndarray:
    grey = cv2.cvtColor(cv2.cvtColor(bgr, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
    return cv2.addWeighted(bgr, factor, grey, 1 - factor, 0)


def _rotate_hue(bgr: np.ndarray, turn: float) -> np.ndarray:
    pixels = bgr.astype(np.float32)  # eight bits of hue are too few
    hsv = cv2.cvtColor(pixels, cv2.COLOR_BGR2HSV, dst=pixels)
    hue = cv2.extractChannel(hsv, 0)  # one block of memory, which NumPy reads faster than a slice
    np.add(hue, 360 * (turn % 1), out=hue)
    np.subtract(hue, 360, out=hue, where=hue >= 360)
    cv2.insertChannel(hue, hsv, 0)
    return cv2.convertScaleAbs(cv2.cvtColor(hsv, cv2.COLOR_HSV2BGR, dst=hsv))


_CHANGES = (_brighten, _contrast, _saturate, _rotate_hue)
