"""Loading of images that are not three channels of 8 bits."""

from __future__ import annotations

import numpy as np
from mmcv.transforms import BaseTransform
from mmseg.registry import TRANSFORMS

from mtlplugins.datasets.reading.arrays import read_array
from mtlplugins.datasets.reading.files import CHANNELS, BrokenFile, open_image

from .decoding import is_turned


@TRANSFORMS.register_module()
class LoadImageChannels(BaseTransform):
    """Load an image of any number of channels: RGB-D, near infrared, alpha, 16 bits.

    From ``.npy`` (H, W) or (H, W, C), a grey, RGB or RGBA image, or a TIFF of any channels, planes
    or pages (above four channels it needs tifffile). The channels keep the order of the file
    (``bgr_to_rgb`` and ``rgb_to_bgr`` of the data preprocessor stay off); values of 8 bits stay
    uint8, others become float32 unscaled, for ``mean`` and ``std`` of the data preprocessor, one
    for each channel. The encoder takes them with ``backbone.in_channels``.

    Transforms of colours are for three channels of 8 bits; crops, flips, rotations and resizing
    take any.

    Args:
        channels: Number C of channels.

    Raises:
        BrokenFile: The file is damaged, has another number of channels, a palette, values that are
            not finite, or EXIF data that would turn it.
        ValueError: ``channels`` is below 1.
    """

    def __init__(self, channels: int) -> None:
        if not isinstance(channels, int) or channels < 1:
            raise ValueError(f"LoadImageChannels: channels={channels!r}, give 1 or more")
        self.channels = channels

    def transform(self, results: dict) -> dict:
        path = results["img_path"]
        image = read_array(path, channels=max(self.channels, 4))
        image = image[..., None] if image.ndim == 2 else image
        if image.ndim != 3 or image.shape[2] != self.channels or image.dtype.kind not in "uif":
            raise BrokenFile(
                f"image {path} has shape {image.shape} and type {image.dtype}, but the pipeline's "
                f"LoadImageChannels(channels={self.channels}) wants numbers (H, W, "
                f"{self.channels}): correct channels, or write the channels together as .npy",
                path,
            )
        if not path.endswith(".npy") and self.channels <= CHANNELS:
            _check_header(path)
        if image.dtype != np.uint8:
            image = image.astype(np.float32)
            if not np.isfinite(image).all():
                raise BrokenFile(
                    f"image {path} has values that are NaN or infinite: replace them, such as by 0",
                    path,
                )
        results["img"] = np.ascontiguousarray(image)
        results["img_shape"] = results["ori_shape"] = image.shape[:2]
        return results


def _check_header(path: str) -> None:
    with open_image(path) as header:
        if header.mode in ("P", "PA", "1"):
            raise BrokenFile(
                f"image {path} holds indices into a palette ({header.mode}): store colours", path
            )
        if is_turned(path, header):
            raise BrokenFile(
                f"image {path} has EXIF data that turn it: store it turned, without the tag", path
            )
