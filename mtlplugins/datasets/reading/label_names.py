"""Names of images in a file of labels, as others write them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from itertools import takewhile
from pathlib import Path, PurePosixPath
from typing import TypeVar

from mmengine.logging import print_log

from mtlplugins.common.notice import Notice

T = TypeVar("T")

_SUFFIXES = {".bmp", ".gif", ".jp2", ".jpeg", ".jpg", ".png", ".ppm", ".tif", ".tiff", ".webp"}


def labels_by_name(labels: Mapping[str, T], names: Collection[str], path: Path) -> dict[str, T]:
    """Find the labels of images in a file that may write more than their names.

    It may write the suffixes of images, one end of all names, such as ``_rgb.png``, and folders
    that all names begin with. Of these readings the one is taken that finds the most images, and
    the plainest of those. A name as it is goes first.

    Args:
        labels: The labels by name in the file.
        names: Names of the images.
        path: The file, for errors.

    Returns:
        The labels by image, of the images that have one.

    Raises:
        ValueError: Two names of the file, with different labels, are read as that of one image.
    """
    exact = {name: labels[name] for name in names if name in labels}
    wanted = set(names) - exact.keys()
    if not wanted or not labels:
        return exact
    best: list[tuple[str, str]] = []  # image, and name in the file
    for read in _readings(labels, wanted):
        found = [(image, name) for name in labels if (image := read(name)) in wanted]
        best = max(best, found, key=lambda pairs: len(dict(pairs)))
    written = dict(best)
    for image, name in best:
        if labels[name] != labels[written[image]]:
            raise ValueError(
                f"{path}: {name!r} and {written[image]!r} have different labels, and are both read "
                f"as the image {image!r}: name it as it is"
            )
    if best:
        image, name = best[0]
        said = f"{path}: {len(written)} names such as {name!r} are read as {image!r}"
        print_log(Notice(said), logger="current")
    return exact | {image: labels[written[image]] for image in names if image in written}


def _readings(names: Collection[str], wanted: Collection[str]) -> Iterator[Callable[[str], str]]:
    """Yield what makes an image's name of a name in the file."""
    paths = {name: PurePosixPath(name.replace("\\", "/")) for name in names}
    parents = [path.parent.parts for path in paths.values()]
    both = zip(min(parents), max(parents), strict=False)  # what they share, all do
    for folders in range(sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], both)) + 1):
        below = {name: "/".join(path.parts[folders:]) for name, path in paths.items()}
        end = _end(below.values(), wanted)
        yield below.__getitem__
        yield lambda name, below=below: _without_suffix(below[name])
        yield lambda name, below=below, end=end: below[name].removesuffix(end)


def _without_suffix(name: str) -> str:
    suffix = Path(name).suffix
    return name.removesuffix(suffix) if suffix.lower() in _SUFFIXES else name


def _end(names: Collection[str], wanted: Collection[str]) -> str:
    """Return a suffix such as ``_rgb.png`` that all names have after an image's name."""
    for name in names:
        for length in range(len(name) - 1, 0, -1):
            end = name[length:]
            if name[:length] in wanted and not end[0].isalnum() and _without_suffix(end) != end:
                return end if all(other.endswith(end) for other in names) else ""
    return ""
