"""Geometric transforms of the image together with its targets."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import inf, sqrt
from types import SimpleNamespace
from typing import cast

import cv2
import numpy as np
from mmcv.transforms import BaseTransform
from mmpretrain.datasets.transforms import RandomResizedCrop
from mmseg.datasets.transforms import RandomFlip
from mmseg.registry import TRANSFORMS

from mtlplugins.datasets.targets.base import DenseTarget

from .decoding import resize, size_of


def dense_targets(results: dict) -> Iterator[tuple[str, DenseTarget]]:
    """Yield key and kind of each dense target that is loaded."""
    for task, target in results.get("target_types", {}).items():
        if target.dense and f"gt_{task}" in results:
            yield f"gt_{task}", target


def _resample(results: dict, size: tuple[int, int]) -> None:
    """Resize the image bilinearly and the targets by nearest neighbour, aligned by pixel centres.

    A target is never blended: the mean of two labels, or of the depths at an edge, corresponds to
    nothing in the scene. OpenCV's INTER_NEAREST, which mmcv uses, is off by up to half a pixel
    against the image.
    """
    results["img"] = resize(results["img"], size)
    for key, _ in dense_targets(results):
        results[key] = cv2.resize(results[key], size[::-1], interpolation=cv2.INTER_NEAREST_EXACT)
    results["img_shape"] = size


def _size(transform: str, scale: int | Sequence[int]) -> tuple[int, int]:
    """Convert a side, or (height, width), to (height, width)."""
    sides = (scale, scale) if isinstance(scale, int) else scale
    whole = isinstance(sides, Sequence) and all(isinstance(s, int) and s > 0 for s in sides)
    if not whole or len(sides) != 2:
        raise ValueError(f"{transform}: scale={scale!r}, give a side or (height, width) in pixels")
    height, width = sides
    return height, width


def _bounds(name: str, bounds: Sequence[float]) -> tuple[float, float]:
    numbers = isinstance(bounds, Sequence) and all(isinstance(b, (int, float)) for b in bounds)
    if not numbers or len(bounds) != 2 or not 0 < bounds[0] <= bounds[1] < inf:
        raise ValueError(
            f"MultiTaskRandomResizedCrop: {name}={bounds!r}, give two numbers above 0, the smaller "
            "one first, such as (0.5, 1.0)"
        )
    low, high = bounds
    return low, high


@TRANSFORMS.register_module()
class MultiTaskRandomResizedCrop(RandomResizedCrop):
    """Crop a random part of the image and its targets and resize it.

    The part is drawn as in torchvision's and mmpretrain's ``RandomResizedCrop``.

    Args:
        scale: Side or (height, width) of the result.
        crop_ratio_range: Range of the part's area divided by the image's.
        aspect_ratio_range: Range of the part's width divided by its height.
        zoom_depth: Whether to divide depth by the square root of the image's area over the part's:
            the part then looks like a whole image taken from that much closer.

    Raises:
        ValueError: ``scale`` is neither a side nor (height, width), or bounds are not two positive
            numbers, the smaller first.
    """

    def __init__(
        self,
        scale: int | tuple[int, int],
        *,
        crop_ratio_range: tuple[float, float] = (0.5, 1.0),
        aspect_ratio_range: tuple[float, float] = (3 / 4, 4 / 3),
        zoom_depth: bool = False,
    ) -> None:
        size = _size("MultiTaskRandomResizedCrop", scale)
        super().__init__(
            scale=size,
            crop_ratio_range=_bounds("crop_ratio_range", crop_ratio_range),
            aspect_ratio_range=_bounds("aspect_ratio_range", aspect_ratio_range),
        )
        self.size = size
        self.zoom_depth = zoom_depth

    def transform(self, results: dict) -> dict:
        whole = size_of(results["img"])
        # mmpretrain's method only needs the shape
        top, left, height, width = self.rand_crop_params(SimpleNamespace(shape=whole))
        # an image of one row or column may round to an empty part
        height, width = max(height, 1), max(width, 1)
        window = slice(top, top + height), slice(left, left + width)
        # relative to the whole image at the same output size, as in a test
        factor = sqrt(whole[0] * whole[1] / (height * width))
        results["img"] = results["img"][window]
        for key, target in dense_targets(results):
            results[key] = results[key][window]
            if self.zoom_depth:
                results[key] = target.zoom(results[key], factor)
        _resample(results, self.size)
        results["crop_box"] = (top, left, height, width)
        return results


@TRANSFORMS.register_module()
class MultiTaskResize(BaseTransform):
    """Resize the image and the targets that are already loaded.

    Put it before ``LoadTargets`` to compare predictions with the targets at their original size.

    Args:
        scale: Side or (height, width) of the result.

    Raises:
        ValueError: ``scale`` is neither a side nor (height, width).
    """

    def __init__(self, scale: int | tuple[int, int]) -> None:
        self.size = _size("MultiTaskResize", scale)

    def transform(self, results: dict) -> dict:
        _resample(results, self.size)
        return results


@TRANSFORMS.register_module()
class MultiTaskRandomFlip(RandomFlip):
    """mmseg's ``RandomFlip``, left to right, that also mirrors values of targets.

    Directions turn, and classes that a target calls ``left_right`` change places.

    Args:
        prob: Probability of a flip.
    """

    def __init__(self, prob: float = 0.5) -> None:
        super().__init__(prob=prob, direction="horizontal")

    def transform(self, results: dict) -> dict:
        # the draw of mmcv's np.random.choice(["horizontal", None], p=[prob, 1 - prob])
        results["flip"] = bool(np.random.random_sample() < cast(float, self.prob))
        results["flip_direction"] = "horizontal" if results["flip"] else None
        if not results["flip"]:
            return results
        for key in ("img", *results.get("seg_fields", ())):
            results[key] = _mirrored(np.asarray(results[key]))
        for task, target in results.get("target_types", {}).items():
            if (key := f"gt_{task}") in results:
                results[key] = target.mirror(results[key])
        return results


def _mirrored(values: np.ndarray) -> np.ndarray:
    """Mirror (H, W) or (H, W, C) left to right."""
    if values.dtype in (np.uint8, np.uint16, np.int32, np.float32):
        # NumPy's mirrored view is slow to read
        return cv2.flip(values, 1).reshape(values.shape)
    return values[:, ::-1].copy()


@TRANSFORMS.register_module()
class MultiTaskRandomRotate(BaseTransform):
    """Rotate the image and its targets about the centre, including directions in targets.

    The size is kept. Pixels from outside are black in the image and invalid in the targets, which
    are never blended. Depth is unchanged, as the rotation is about the optical axis.

    Args:
        degrees: Angles are drawn from ± this.
        prob: Probability of a rotation.

    Raises:
        ValueError: ``degrees`` is not in 0 … 180, or ``prob`` not in 0 … 1.
    """

    def __init__(self, degrees: float, *, prob: float = 0.5) -> None:
        if not 0 <= degrees <= 180 or not 0 <= prob <= 1:
            raise ValueError(
                f"MultiTaskRandomRotate: degrees={degrees}, prob={prob}: give 0 to 180 and 0 to 1"
            )
        self.degrees = degrees
        self.prob = prob

    def transform(self, results: dict) -> dict:
        turns, share = np.random.rand(2)
        if turns >= self.prob:
            return results
        degrees = float((2 * share - 1) * self.degrees)
        height, width = results["img"].shape[:2]
        centre = (width - 1) / 2, (height - 1) / 2
        places = cv2.getRotationMatrix2D(centre, -degrees, 1)  # OpenCV rotates counter-clockwise
        image = results["img"]
        rotated = cv2.warpAffine(image, places, (width, height))
        results["img"] = rotated.reshape(image.shape)  # OpenCV drops the axis of one channel
        row, column, inside = _source_pixels(places, height, width)
        for key, target in dense_targets(results):
            value = target.rotate(results[key], degrees)
            turned = np.full_like(value, target.invalid)
            turned[inside] = value[row[inside], column[inside]]
            results[key] = turned
        return results


def _source_pixels(places: np.ndarray, height: int, width: int) -> tuple[np.ndarray, ...]:
    """Find the nearest source of each pixel: rows and columns (H, W), and whether there is one."""
    back = cv2.invertAffineTransform(places)
    y, x = np.mgrid[:height, :width]
    column, row = (np.rint(a * x + b * y + c).astype(np.intp) for a, b, c in back)
    return row, column, (row >= 0) & (row < height) & (column >= 0) & (column < width)
