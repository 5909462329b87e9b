"""Images to predict: files, folders, patterns, arrays, Pillow images, tensors and videos."""

from __future__ import annotations

import glob
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any, Literal, cast

import cv2
import numpy as np
from PIL import Image, ImageOps
from torch import Tensor

from mtlplugins.datasets.reading.files import FORMATS

ChannelOrder = Literal["bgr", "rgb"]
#: One image.
ImageLike = str | Path | np.ndarray | Image.Image | Tensor
#: Something that holds images: one, several, a folder, a pattern, a video file or a camera's index.
Source = ImageLike | Sequence[ImageLike] | int


@dataclass(frozen=True)
class InputImage:
    """One image to predict, as a file or as pixels.

    Attributes:
        name: Stem of the file; for images in memory their number, for frames ``STEM_NUMBER``.
        path: The file, or None.
        pixels: BGR uint8 (H, W, 3), or None for a file.
    """

    name: str
    path: Path | None = None
    pixels: np.ndarray | None = None


def is_one_image(source: Source) -> bool:
    """Return whether a source is a single image, as opposed to several."""
    if isinstance(source, (str, Path)):
        return not (Path(source).is_dir() or _is_pattern(source) or _is_video(Path(source)))
    if isinstance(source, (np.ndarray, Tensor)):
        return source.ndim < 4
    return not isinstance(source, (list, tuple, int))


def iterate_images(source: Source, channel_order: ChannelOrder = "bgr") -> Iterator[InputImage]:
    """Iterate over the images of a source.

    Args:
        source: A file, folder, pattern (``photos/*.jpg``), list of images, video file, or index of
            a camera. NumPy arrays are uint8, (H, W, 3), grey (H, W), or several (N, H, W, 3);
            tensors are RGB (3, H, W) or (N, 3, H, W), of uint8 or floats in 0 … 1.
        channel_order: Order of the channels of NumPy arrays: ``"bgr"``, as OpenCV and mmcv read
            images, or ``"rgb"``.

    Raises:
        FileNotFoundError: A file is missing, or a folder or pattern has no image.
        ValueError: An array or tensor has another shape, type or range; a video cannot be opened.
    """
    numbers = count()
    several = source if isinstance(source, (list, tuple)) else [source]
    for image in cast(Sequence[Any], several):
        if isinstance(image, int):
            yield from _frames(image, "camera")
        elif isinstance(image, (str, Path)) and _is_video(Path(image)):
            yield from _frames(str(image), Path(image).stem)
        elif isinstance(image, (str, Path)):
            yield from (InputImage(path.stem, path=path) for path in find_images([image]))
        else:
            for one in [image] if is_one_image(image) else image:
                pixels = to_pixels(one, channel_order)
                yield InputImage(_number(next(numbers)), pixels=pixels)


def to_pixels(image: np.ndarray | Image.Image | Tensor, channel_order: ChannelOrder) -> np.ndarray:
    """Convert an image in memory to BGR uint8 (H, W, 3); see :func:`iterate_images`."""
    if channel_order not in ("bgr", "rgb"):
        raise ValueError(f"channel_order={channel_order!r}: give 'bgr' or 'rgb'")
    if isinstance(image, Image.Image):
        upright = ImageOps.exif_transpose(image)  # as for files
        return np.ascontiguousarray(np.asarray(upright.convert("RGB"))[..., ::-1])
    if isinstance(image, Tensor):
        return np.ascontiguousarray(_array_of(image)[..., ::-1])
    if not isinstance(image, np.ndarray):
        raise ValueError(
            f"{type(image).__name__} is no image: give a file, a NumPy array, a Pillow image or a "
            "tensor, or a list of them"
        )
    if image.dtype != np.uint8:
        raise ValueError(
            f"the array holds {image.dtype}: give uint8 of 0 to 255, for example "
            "(255 * image).astype(np.uint8) for floats of 0 to 1"
        )
    if image.ndim == 2 or (image.ndim == 3 and image.shape[2] == 1):
        image = np.repeat(image.reshape(*image.shape[:2], 1), 3, axis=2)
    if image.ndim != 3 or image.shape[2] != 3 or not image.size:
        raise ValueError(
            f"the array is {image.shape}: give (height, width, 3) or (height, width); images of "
            "other channels are files, such as .npy"
        )
    return np.ascontiguousarray(image if channel_order == "bgr" else image[..., ::-1])


def _array_of(image: Tensor) -> np.ndarray:
    """Convert a tensor RGB (3, H, W) to a NumPy array RGB uint8 (H, W, 3)."""
    if image.ndim != 3 or image.shape[0] != 3 or not image.numel():
        raise ValueError(f"the tensor is {tuple(image.shape)}: give (3, height, width), RGB")
    if image.is_floating_point():
        low, high = (float(edge) for edge in image.aminmax())
        if not (low >= 0 and high <= 1):
            raise ValueError(
                f"the tensor holds values of {low:.3g} to {high:.3g}: give uint8 of 0 to 255, or "
                "floats of 0 to 1, before any normalisation"
            )
        image = (image.float() * 255).round()
    return image.byte().permute(1, 2, 0).cpu().numpy()


def find_images(names: Sequence[str | Path]) -> list[Path]:
    """List image files, those in folders, and those that match patterns.

    Raises:
        FileNotFoundError: A file is missing, or a folder or pattern has no image.
    """
    found: list[Path] = []
    for name in names:
        path = Path(name)
        if path.is_file():
            found.append(path)
            continue
        if path.is_dir():
            # hidden files are no images: macOS puts a ._a.jpg beside each a.jpg
            inside = [p for p in path.iterdir() if p.name[0] != "."]
        elif _is_pattern(name):
            inside = [Path(p) for p in glob.glob(str(name), recursive=True)]
        else:
            raise FileNotFoundError(f"no image {path}")
        suffixes = _image_suffixes()
        files = sorted(p for p in inside if not p.is_dir())
        inside = [p for p in files if p.suffix.lower() in suffixes]
        inside = inside or [p for p in files if p.suffix == ".npy"]  # images of other channels
        if not inside:
            raise FileNotFoundError(f"no image in {path}")
        found += inside
    return found


def _image_suffixes() -> set[str]:
    return {end for end, name in Image.registered_extensions().items() if name in FORMATS}


def _is_pattern(name: str | Path) -> bool:
    return glob.has_magic(str(name)) and not Path(name).exists()


def _is_video(path: Path) -> bool:
    """Return whether a file is a video, by its suffix and by what OpenCV can open."""
    if path.suffix.lower() in _image_suffixes() or not path.is_file():
        return False
    capture = cv2.VideoCapture(str(path))
    opened = capture.isOpened()
    capture.release()
    return opened


def _frames(video: str | int, name: str) -> Iterator[InputImage]:
    """Read a video file or camera frame by frame."""
    capture = cv2.VideoCapture(video)
    try:
        if not capture.isOpened():
            raise ValueError(f"OpenCV cannot open the video or camera {video}")
        number = 0
        while (read := capture.read())[0]:
            yield InputImage(f"{name}_{_number(number)}", pixels=read[1])
            number += 1
    finally:
        capture.release()


def _number(index: int) -> str:
    return f"{index:06d}"
