"""Names of a data set's images, from a split file or a folder."""

from __future__ import annotations

import logging
from collections import Counter
from pathlib import Path

from mmengine.logging import print_log

from .files import columns_as_name, read_lines
from .listing import Listing


def names_in_folder(folder: Path, suffix: str) -> list[str]:
    """List the images in a folder and its subfolders, sorted, without their suffix.

    Warns of files whose suffix differs only in case: they are left out.

    Raises:
        ValueError: There is no image.
    """
    files = list(Listing(folder).all())
    names = sorted(file.removesuffix(suffix) for file in files if file.endswith(suffix))
    ends = suffix.lower()
    other = [f for f in files if f.lower().endswith(ends) and not f.endswith(suffix)]
    hint = ""
    if other:
        hint = (
            f"; {len(other)} files, such as {other[0]}, end in it but for upper and lower case: "
            "rename them to take them in"
        )
    if not names:
        raise ValueError(f"no image with suffix {suffix} in {folder}{hint}")
    if hint:
        print_log(
            f"images with suffix {suffix} in {folder}: {len(names)}{hint}",
            logger="current",
            level=logging.WARNING,
        )
    return names


def names_in_split(path: Path, folder: Path, suffix: str, *, source: str) -> list[str]:
    """Read the names of a split file, one per line, with or without the images' suffix.

    Args:
        path: The split file.
        folder: Folder of the images, all of which must exist.
        suffix: Suffix of the images.
        source: How to get the data, for the error if there is no split file.

    Raises:
        FileNotFoundError: The split file, or an image that it lists, is missing.
        ValueError: The split file lists no image, or one twice, or is refused by
            :func:`read_lines`.
    """
    if not path.is_file():
        raise FileNotFoundError(f"no split file {path.absolute()}: {source}")
    names = [line.removesuffix(suffix) for line in read_lines(path)]
    if not names:
        raise ValueError(f"{path} lists no image")
    twice, count = Counter(names).most_common(1)[0]
    if count > 1:
        raise ValueError(f"{path} lists {twice!r} {count} times")
    images = Listing(folder)
    if missing := [name for name in names if name + suffix not in images]:
        if len(missing) == len(names) and len(missing[0].split()) > 1:
            raise FileNotFoundError(columns_as_name(path, missing[0]))
        raise FileNotFoundError(
            f"{len(missing)} of {len(names)} images listed in {path} are missing, the first is "
            f"{folder / (missing[0] + suffix)}{images.hint(missing[0])}"
        )
    return names
