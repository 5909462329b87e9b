"""Numbers per pixel, of any unit and range."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite
from typing import Any

import numpy as np
import torch
from mmengine.structures import PixelData
from mmseg.registry import DATASETS

from mtlplugins.kinds import part_of_kind

from .image_numbers import counts_by_range
from .map_file import MapFile


@DATASETS.register_module()
@part_of_kind("values", "target")
class ValueMap(MapFile):
    """One number per pixel or several, such as curvatures: float32 (H, W, K), NaN where missing.

    A value is ``factor`` times the stored number, plus ``offset``. Flips and crops move no number;
    :class:`FlowMap` is for lengths in the image.

    Args:
        folder: Folder of the files, below the data set's root.
        suffix: End of the file names: an array (H, W) or (H, W, C), or an image.
        channels: Stored channels that are the values, in their order; their number is K.
        factor: Factor of the stored numbers, or one for each channel.
        offset: Added to them, in the unit of the values; or one for each channel.
        missing: Value of missing pixels in the files, or several; a pixel is missing if one of its
            values is. NaN and infinity always are.
        valid_channel: Stored channel that is 0 where a pixel is missing; None if there is none.
        names: Name of each value, for panels; None for ``0``, ``1``, …
        unit: Unit of the values, for panels.
        array: Name of the array in files that hold several.

    Raises:
        ValueError: ``channels`` are no different whole numbers from 0, or ``names`` are not as
            many; ``factor`` is 0; ``factor``, ``offset`` or ``missing`` are no numbers.
    """

    invalid = float("nan")

    def __init__(
        self,
        folder: str = "",
        suffix: str | Sequence[str] = ".npy",
        *,
        channels: Sequence[int] = (0,),
        factor: float | Sequence[float] = 1.0,
        offset: float | Sequence[float] = 0.0,
        missing: float | Sequence[float] = (),
        valid_channel: int | None = None,
        names: Sequence[str] | None = None,
        unit: str = "",
        array: str = "",
    ) -> None:
        super().__init__(folder, suffix, array=array)
        kind = type(self).__name__
        absent = missing if isinstance(missing, (list, tuple)) else [missing]
        if not channels or len(set(channels)) < len(channels) or min(channels) < 0:
            raise ValueError(
                f"{kind}: channels={channels!r}, give the stored channels, such as (0, 1)"
            )
        if names is not None and (isinstance(names, str) or len(names) != len(channels)):
            raise ValueError(
                f"{kind}: names={names!r}, give one for each of {len(channels)} values"
            )
        factors, offsets = (_of_each(number, len(channels)) for number in (factor, offset))
        numbers = (*factors, *offsets, *absent)
        few = len(factors) != len(channels) or len(offsets) != len(channels)
        if few or not all(isinstance(n, (int, float)) for n in numbers):
            raise ValueError(
                f"{kind}: factor, offset and missing are {(factor, offset, missing)}: give "
                "numbers, or one factor and one offset for each channel"
            )
        if not all(map(isfinite, (*factors, *offsets))) or not all(factors):
            raise ValueError(
                f"{kind}: factor={factor!r} and offset={offset!r}: give finite numbers; a factor "
                "of 0 makes all values the same"
            )
        self.channels = tuple(channels)
        self.factor = np.array(factors, np.float32)
        self.offset = np.array(offsets, np.float32)
        self.missing = absent
        self.valid_channel = valid_channel
        self.names = tuple(map(str, range(len(channels)))) if names is None else tuple(names)
        self.unit = unit

    def meta(self) -> dict[str, Any]:
        """Describe the task; ``names`` are those of the values."""
        return dict(kind=self.kind, names=self.names, unit=self.unit)

    def convert(self, raw: np.ndarray, path: str) -> np.ndarray:
        """Check the array (H, W) or (H, W, C), and convert it to float32 (H, W, K).

        Raises:
            ValueError: It has another shape or type, or lacks a channel.
        """
        stored = raw[..., None] if raw.ndim == 2 else raw
        needed = max(*self.channels, self.valid_channel or 0)
        if stored.ndim != 3 or stored.dtype.kind not in "biuf" or stored.shape[2] <= needed:
            raise ValueError(
                f"{path}: values per pixel are an array (H, W) or (H, W, C) of numbers with the "
                f"channels {', '.join(map(str, self.channels))}; this file has shape {raw.shape} "
                f"and type {raw.dtype}"
            )
        chosen = stored[..., list(self.channels)]
        values = chosen.astype(np.float32) * self.factor + self.offset
        gone = np.isin(chosen, self.missing) | ~np.isfinite(values)
        gone = gone.any(axis=-1)
        if self.valid_channel is not None:
            gone |= stored[..., self.valid_channel] == 0
        values[gone] = np.nan
        return values

    def describe(self, value: np.ndarray) -> dict[str, int]:
        """Count the pixels by the mean of their values."""
        values = value.reshape(*value.shape[:2], -1)
        return counts_by_range(values[np.isfinite(values).all(axis=-1)].mean(axis=-1))

    def pack(self, value: np.ndarray) -> PixelData:
        """Convert to a float32 map (K, H, W)."""
        values = value.reshape(*value.shape[:2], -1)  # OpenCV drops the axis of one value
        return PixelData(data=torch.from_numpy(np.ascontiguousarray(values.transpose(2, 0, 1))))


def _of_each(number: float | Sequence[float], count: int) -> tuple[float, ...]:
    return tuple(number) if isinstance(number, Sequence) else (number,) * count
