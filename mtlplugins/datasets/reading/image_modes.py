"""Notice of images that are not RGB."""

from __future__ import annotations

from mmengine.logging import print_log

from mtlplugins.common.notice import Notice

from .arrays import read_array
from .files import open_image

_BECOME = {
    "1": "of 1 bit: they are loaded as three equal channels",
    "L": "grey: they are loaded as three equal channels",
    "LA": "grey with alpha: they are loaded as three equal channels, on grey",
    "P": "indices into a palette: they are loaded in its colours",
    "RGBA": "RGB with alpha: it is dropped",
    "CMYK": "CMYK: they are converted to RGB",
}


def say_mode(path: str) -> None:
    """Log what becomes of images that are not RGB, by the first one.

    A file that cannot be read is left to those who load it.
    """
    try:
        with open_image(path) as image:
            mode = image.mode
    except Exception:  # decoders raise anything
        return
    if mode in _BECOME:
        print_log(Notice(f"images such as {path} are {_BECOME[mode]}"), logger="current")


def say_channels(path: str, channels: int) -> None:
    """Log what images of any number of channels hold, by the first one.

    A file that cannot be read is left to those who load it.
    """
    try:
        image = read_array(path, channels=channels)
    except ValueError:
        return
    count = image.shape[2] if image.ndim == 3 else 1
    print_log(
        Notice(
            f"images such as {path} have {count} channels of {image.dtype}, {image.min():g} to "
            f"{image.max():g}: they are loaded as stored"
        ),
        logger="current",
    )
