"""Uploads: images from strangers, read within limits."""

from __future__ import annotations

from pathlib import Path

from PIL import Image, ImageOps

#: Formats that are read, detected by content: those of cameras, phones and browsers.
FORMATS = ("BMP", "JPEG", "PNG", "WEBP")
MOST_BYTES = 20 * 2**20
MOST_PIXELS = 50_000_000
#: Larger images are shrunk to this side in pixels, which bounds the memory of a prediction.
LONGEST_SIDE = 1024


class RefusedUpload(ValueError):
    """Error of an uploaded file that is too large or no image; its message is for the sender."""


def read_upload(path: str | Path) -> Image.Image:
    """Read an uploaded image, upright, in RGB, at most ``LONGEST_SIDE`` wide and high.

    The size in the header is checked before pixels are decoded.

    Raises:
        RefusedUpload: The file has more bytes or pixels than are taken, has another format, or is
            damaged; or it was removed from the server.
    """
    path = Path(path)
    try:
        path.parent.touch()  # the server removes what was not used for long
        size = path.stat().st_size
    except FileNotFoundError as error:
        raise RefusedUpload("the image was removed since: upload it again") from error
    if size > MOST_BYTES:
        raise RefusedUpload(
            f"the file is larger than {MOST_BYTES // 2**20} MiB: send a smaller one"
        )
    try:
        with Image.open(path, formats=FORMATS) as image:
            width, height = image.size
            if width * height <= MOST_PIXELS:
                image.draft("RGB", (LONGEST_SIDE, LONGEST_SIDE))  # JPEG: decodes fewer pixels
                upright = ImageOps.exif_transpose(image).convert("RGB")
                upright.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
                return upright
    except Image.DecompressionBombError:  # by the header alone, as below
        width, height = MOST_PIXELS, 2
    except Exception as error:  # the errors of Pillow's decoders have no common class
        raise RefusedUpload(
            f"the file cannot be read as an image: send one in {', '.join(FORMATS)}"
        ) from error
    raise RefusedUpload(
        f"the image has more than {MOST_PIXELS // 10**6} million pixels: send a smaller one"
    )
