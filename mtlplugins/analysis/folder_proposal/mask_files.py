"""Guess of mask files, one for each class of an image."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import PurePosixPath

from mtlplugins.common.text import few

from .guesses import Guess, segmentation
from .survey import Role, common_folder

_BACKGROUND = "background"


def mask_files(roles: Iterable[Role], images: Role, task: str) -> Guess | None:
    """Propose classes from ``masks/CLASS/NAME.png`` or ``masks/NAME_CLASS.png``.

    Args:
        roles: Files that hold labels.
        images: The images.
        task: Name of the task.

    Returns:
        The guess; None if the files of no role are named by images and classes.
    """
    base = common_folder(images.files.values())
    names = {key: _name(path, base) for key, path in images.files.items()}
    for role in roles:
        for before in (1, 0):  # the class before the image's name, or after it
            classes = {key[0] if before else key[-1] for key in role.files if len(key) > 1}
            patterns = set()
            for key, path in role.files.items():
                rest = key[1:] if before else key[:-1]
                word = key[0] if before else key[-1]
                if rest not in names:
                    patterns.add("")
                    break
                patterns.add(_pattern(path, names[rest], word))
            if len(patterns) == 1 and "" not in patterns and len(classes) > 1:
                listed = [_BACKGROUND, *sorted(classes - {_BACKGROUND})]
                target = dict(type="ClassMasksLabelMap", files=patterns.pop(), classes=listed)
                guess = segmentation(task, target, len(listed))
                guess.notes = [f"{role}, masks of {few(sorted(classes), 8)}"]
                guess.unsure = ["where masks overlap, later classes lie on earlier ones"]
                return guess
    return None


def _name(path: str, base: str) -> str:
    name = path[len(base) :].lstrip("/")
    return name.removesuffix(PurePosixPath(name).suffix)


def _pattern(path: str, name: str, word: str) -> str:
    """Put ``{name}`` and ``{class}`` into a path; empty if it does not have each once."""
    for part, place in ((name, "{name}"), (word, "{class}")):
        if path.count(part) != 1:
            return ""
        path = path.replace(part, place)
    return path
