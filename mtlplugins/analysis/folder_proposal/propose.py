"""Proposal of tasks, targets and splits for a folder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from os.path import basename, dirname
from pathlib import Path, PurePosixPath
from typing import Any

from mtlplugins.common.text import few
from mtlplugins.datasets.reading.files import open_image

from . import guesses
from .annotations import find_annotations
from .class_lists import class_list
from .class_names import find_class_names
from .contents import kind_of, values_in
from .guesses import Guess
from .mask_files import mask_files
from .survey import Role, common_folder, split_of, survey

_READ = 2000  # files whose values are listed, at most
_SAMPLE = 24  # maps from which unit and range are guessed
_EVERY = 5  # each fifth image is for validation
_TASKS = dict(labels="semantic", colours="semantic", depth="depth", normals="normals")
_LISTS = {".csv", ".json", ".md", ".txt", ".xml"}  # read, if they are of targets
Key = tuple[str, ...]


@dataclass
class Part:
    """Split of the proposal.

    Attributes:
        image: The data set's ``image``.
        names: Images, as paths below the folder, with their key.
        guesses: The tasks.
    """

    image: dict[str, Any]
    names: dict[Key, str]
    guesses: dict[str, Guess]


@dataclass
class Proposal:
    """Proposed training on a folder.

    Attributes:
        folder: The folder.
        size: (height, width) of an image.
        parts: The splits, ``train`` and ``val``.
        columns: Files of each task that has one per image, by key.
        notes: What was seen.
        unsure: What a person should check.
    """

    folder: Path
    size: tuple[int, int]
    parts: dict[str, Part]
    columns: dict[str, dict[Key, str]]
    notes: list[str] = field(default_factory=list)
    unsure: list[str] = field(default_factory=list)

    @property
    def guesses(self) -> dict[str, Guess]:
        """The tasks, as those of the training split."""
        return self.parts["train"].guesses


def propose(folder: Path) -> Proposal:
    """Look at a folder and propose what to train on it.

    Args:
        folder: Folder of images and targets; nothing is written to it.

    Raises:
        FileNotFoundError: There is no such folder.
        ValueError: It has no images, or no targets.
    """
    if not folder.is_dir():
        raise FileNotFoundError(f"no folder {folder}")
    roles = survey(folder)
    notes, unsure = [], []
    kinds: dict[str, list[Role]] = {}
    for role in roles:
        kind, reason = kind_of(role, folder)
        kinds.setdefault(kind, []).append(role)
        if role.suffix not in _LISTS:
            notes.append(f"{role}: {kind or 'not used'} ({reason})")
        if role.twice:
            unsure.append(f"{role.twice[0]} has the name of another file, and is left out")
    if "images" not in kinds:
        raise ValueError(
            f"{folder} has no images that are read; seen: {'; '.join(notes[:8]) or 'nothing'}"
        )
    images = _images(kinds["images"], unsure)
    columns: dict[str, dict[Key, str]] = {}
    shared = _from_files(kinds, images, folder, columns)
    own, seen = find_annotations(roles, folder, "semantic")
    notes += seen
    if not own and not shared.get("semantic"):
        masks = mask_files(kinds.get("labels", ()), images, "semantic")
        own = {"": masks} if masks else {}
    if own:
        shared.pop("semantic", None)
        columns.pop("semantic", None)
    if not own and (listed := class_list(folder, images, "scene")):
        own = {"": listed}
    if not shared and not own and not (own := _by_folder(images)):
        raise ValueError(
            f"{folder} has images, {images}, and no targets: {'; '.join(notes[:8])}. Targets have "
            "the names of their images, in other folders or with other suffixes (docs/targets.md)"
        )
    if "test" in own:
        own.setdefault("val", own["test"])
    with open_image(str(folder / images.sample(1)[0])) as image:
        size = image.size[::-1]
    parts = _parts(images, shared, own, columns, folder, unsure)
    return Proposal(folder, size, parts, columns, notes, unsure)


def _images(roles: Sequence[Role], unsure: list[str]) -> Role:
    best = max(roles, key=lambda role: ("images" in role.meanings, len(role.files)))
    others = [str(role) for role in roles if role is not best]
    if others:
        unsure.append(f"the images are {best}; not {few(others)}")
    return best


def _from_files(
    kinds: dict[str, list[Role]], images: Role, folder: Path, columns: dict[str, dict[Key, str]]
) -> dict[str, Guess]:
    """Propose the tasks of which images have files."""
    listed = find_class_names(folder)
    names = listed[1] if listed else {}
    found: dict[str, Guess] = {}
    for kind, task in _TASKS.items():
        for role in kinds.get(kind, ()):
            files = {key: path for key, path in role.files.items() if key in images.files}
            if not files or task in found:
                continue
            suffix = PurePosixPath(next(iter(files.values()))).suffix
            place = dict(folder=common_folder(files.values()), suffix=suffix)
            paths = [files[key] for key in sorted(files)]
            some = [folder / path for path in paths[:: max(1, len(paths) // _SAMPLE)][:_SAMPLE]]
            errors: list[str] = []
            if kind in ("labels", "colours"):
                step = max(1, len(paths) // _READ)
                values, errors = values_in(paths[::step], folder, kind)
                propose_labels = guesses.labels if kind == "labels" else guesses.colours
                guess = propose_labels(task, place, values, names)  # ty: ignore[invalid-argument-type]
                if step > 1:
                    guess.unsure.append(f"values were looked for in one of {step} files")
                if listed:
                    guess.notes.append(f"names of {listed[0].name}")
            else:
                guess = getattr(guesses, kind)(task, place, some)
            guess.notes.insert(0, f"{len(files)} of {len(images.files)} images, {role}")
            guess.unsure += errors[:3]
            found[task], columns[task] = guess, files
    return found


def _by_folder(images: Role) -> dict[str, Guess]:
    """Propose the class of an image by its folder, in each split that has a folder of its own."""
    bases: dict[str, set[str]] = {}
    for path in images.files.values():
        bases.setdefault(split_of(path), set()).add(dirname(dirname(path)))
    classes = sorted({basename(dirname(path)) for path in images.files.values()})
    if any(len(base) > 1 for base in bases.values()) or len(classes) < 2:
        return {}
    if any(split_of(name) for name in classes):
        return {}
    head = dict(type="ClassificationHead", in_channels=256, num_classes=len(classes))
    found = {}
    for split, (base,) in bases.items():
        target = dict(type="ImageLabel", file=base, classes=classes)
        found[split] = Guess("scene", target, head, "MultiTaskAccuracy")
        found[split].notes = [f"the folders {few(classes, 8)}"]
        found[split].unsure = ["the folders are taken for classes of the images"]
    return found


def _parts(
    images: Role,
    shared: dict[str, Guess],
    own: dict[str, Guess],
    columns: dict[str, dict[Key, str]],
    folder: Path,
    unsure: list[str],
) -> dict[str, Part]:
    """Divide the images; each part has the annotation file of its split."""
    labelled = images.files
    if not own:  # images without any target teach nothing
        having = set().union(*(files.keys() for files in columns.values()))
        labelled = {key: path for key, path in images.files.items() if key in having}
    divided = _divide(labelled, folder, images, unsure)
    parts = {}
    for split, names in divided.items():
        base = common_folder(names.values())
        suffixes = tuple(sorted({PurePosixPath(path).suffix for path in names.values()}))
        image = dict(folder=base, suffix=suffixes[0] if len(suffixes) == 1 else suffixes)
        guess = own.get(split) or own.get("") or next(iter(own.values()), None)
        if guess and (folder / guess.target.get("file", "-")).is_dir():  # classes by folder
            image["folder"] = guess.target["file"]
        parts[split] = Part(image, names, dict(shared, **({guess.task: guess} if guess else {})))
    return parts


def _divide(
    labelled: dict[Key, str], folder: Path, images: Role, unsure: list[str]
) -> dict[str, dict[Key, str]]:
    """Divide images by the splits that paths name, by the folder's own lists, or each fifth."""
    named: dict[str, dict[Key, str]] = {}
    for key in sorted(labelled):
        named.setdefault(split_of(labelled[key]), {})[key] = labelled[key]
    if "train" in named and ("val" in named or "test" in named):
        return dict(train=named["train"], val=named.get("val") or named["test"])
    if listed := _lists(labelled, folder):
        return listed
    every = {key: labelled[key] for key in sorted(labelled)}
    held = set(list(every)[_EVERY // 2 :: _EVERY]) or {next(iter(every))}
    unsure.append(
        "the folder has no split: each fifth image is for validation; if neighbours are frames of "
        "one video, divide by videos"
    )
    train = {key: path for key, path in every.items() if key not in held}
    return dict(train=train or every, val={key: every[key] for key in held if key in every})


def _lists(labelled: dict[Key, str], folder: Path) -> dict[str, dict[Key, str]]:
    """Read lists such as ``ImageSets/Segmentation/train.txt``."""
    stems = {PurePosixPath(path).stem: key for key, path in labelled.items()}
    found: dict[str, dict[Key, str]] = {}
    for path in sorted(folder.rglob("*.txt")):
        split = split_of(path.stem)
        if not split or split in found or path.stat().st_size > 50_000_000:
            continue
        words = [
            line.split()[0]
            for line in path.read_text("utf-8", "replace").splitlines()
            if line.split()
        ]
        keys = [
            stems[s] for word in words if (s := PurePosixPath(word.split(",")[0]).stem) in stems
        ]
        if keys and len(keys) == len(words):
            found[split] = {key: labelled[key] for key in keys}
    if "train" not in found or not ("val" in found or "test" in found):
        return {}
    return dict(train=found["train"], val=found.get("val") or found["test"])
