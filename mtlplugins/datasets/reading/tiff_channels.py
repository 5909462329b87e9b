"""TIFF images of more channels than Pillow and OpenCV read, by tifffile."""

from __future__ import annotations

from math import prod

import numpy as np

from .files import check_file, check_pixels, readable

SUFFIXES = (".tif", ".tiff")
_CHANNELS_FIRST = ("SYX", "CYX", "QYX", "IYX", "ZYX")  # tifffile's letters of axes


def read_channels(path: str, channels: int) -> np.ndarray:
    """Read the first image of a TIFF with its channels last, also from planes or pages.

    Args:
        path: The file.
        channels: Most channels that it may have.

    Returns:
        (H, W) or (H, W, C) as stored.

    Raises:
        ValueError: It has another shape, or is shorter than its header says.
        ModuleNotFoundError: tifffile is not installed.
    """
    check_file(path)
    import tifffile  # an extra

    with tifffile.TiffFile(readable(path)) as file:
        series = file.series[0]
        shape, axes = series.shape, series.axes
        first = axes in _CHANNELS_FIRST
        if len(shape) not in (2, 3) or (len(shape) == 3 and not first and axes[:2] != "YX"):
            raise ValueError(f"it has the shape {shape} ({axes}), which is not that of an image")
        count = shape[0] if first else prod(shape[2:])
        check_pixels(*(shape[:0:-1] if first else shape[1::-1]))
        if count > channels:
            raise ValueError(f"it has {count} channels, {channels} are expected")
        pages = [page for page in series.pages if page is not None]
        sizes = [size for page in pages for size in page.databytecounts]
        if len(pages) < len(series.pages) or any(size < 1 for size in sizes):
            raise ValueError("it has no pixels where its header says")
        end = max(
            offset + size
            for page in pages
            for offset, size in zip(page.dataoffsets, page.databytecounts, strict=True)
        )
        if end > file.filehandle.size:
            raise ValueError("it is shorter than its header says")
        values = series.asarray()
    return np.ascontiguousarray(np.moveaxis(values, 0, -1)) if first else values
