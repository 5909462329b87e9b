"""Lists of the class of each image: tables and JSON in a folder."""

from __future__ import annotations

from collections import Counter
from pathlib import Path, PurePosixPath

from mtlplugins.common.text import few
from mtlplugins.datasets.targets.image_label import ImageLabel

from .guesses import Guess
from .survey import Role

_SUFFIXES = {".csv", ".tsv", ".txt", ".json"}
_MOST_BYTES, _MOST_CLASSES = 2**28, 1000
_LISTED = 0.5  # of the images, at least


def class_list(folder: Path, images: Role, task: str) -> Guess | None:
    """Propose the class of an image by a list in the folder itself; None if there is none.

    A list names at least half of the images, and gives several of them the same class.
    """
    names = [
        PurePosixPath(path).relative_to(images.folder).with_suffix("").as_posix()
        for path in images.files.values()
    ]
    for path in sorted(p for p in folder.iterdir() if p.suffix.lower() in _SUFFIXES):
        if not path.is_file() or not 0 < path.stat().st_size <= _MOST_BYTES:
            continue
        target = ImageLabel(path.name)
        try:
            found = target.find(folder, names)
        except (ValueError, OSError):  # another kind of list
            continue
        classes = list(target.classes or ())
        used = Counter(found.values())
        repeated = len(used) < len(found) and 2 <= len(classes) <= _MOST_CLASSES
        if len(found) < max(2, _LISTED * len(names)) or not repeated:
            continue
        head = dict(type="ClassificationHead", in_channels=256, num_classes=len(classes))
        proposed = dict(type="ImageLabel", file=path.name, classes=classes)
        guess = Guess(task, proposed, head, "MultiTaskAccuracy")
        guess.notes = [f"{len(found)} of {len(names)} images, {path.name}: {few(classes, 8)}"]
        unused = [name for index, name in enumerate(classes) if index not in used]
        if unused:
            guess.unsure = [f"no image has the class {few(unused, 8)}"]
        return guess
    return None
