"""Images of a folder, where no split file lists them."""

from __future__ import annotations

import logging
from itertools import pairwise

from mmengine.logging import print_log

from .entries import Entries, Entry


def images_in_folder(images: Entries) -> list[Entry]:
    """List the images in a folder and its subfolders, sorted by name.

    Warns of files whose suffix differs only in case: they are left out.

    Raises:
        ValueError: There is no image, or two have the same name and different suffixes.
    """
    files = list(images.listing.all())
    ends = tuple(images.suffixes)
    found = sorted(
        Entry(f.removesuffix(end), end) for f in files for end in ends if f.endswith(end)
    )
    for first, second in pairwise(found):
        if first.name == second.name:
            images.with_suffix(first.name)  # says which files they are
    lower = tuple(end.lower() for end in ends)
    other = [f for f in files if f.lower().endswith(lower) and not f.endswith(ends)]
    hint = ""
    if other:
        hint = (
            f"; {len(other)} files, such as {other[0]}, end in it but for upper and lower case: "
            "rename them to take them in"
        )
    which = f"suffix {' or '.join(ends)} in {images.folder}"
    if not found:
        raise ValueError(f"no image with {which}{hint}")
    if hint:
        print_log(
            f"images with {which}: {len(found)}{hint}", logger="current", level=logging.WARNING
        )
    return found
