"""Annotation files in a folder: COCO JSON, LabelMe, CVAT, and Pascal VOC's layout."""

from __future__ import annotations

from collections import Counter
from pathlib import Path, PurePosixPath
from typing import Any

from mtlplugins.common.text import few
from mtlplugins.datasets import CocoPanopticLabelMap, CvatLabelMap, VocLabelMap
from mtlplugins.datasets.annotations.coco import read_categories
from mtlplugins.datasets.annotations.cvat import parse_cvat
from mtlplugins.datasets.annotations.json_file import read_json
from mtlplugins.datasets.annotations.voc import read_labelmap

from .guesses import Guess, segmentation
from .survey import Role, common_folder, split_of

_BACKGROUND = "background"


def find_annotations(
    roles: list[Role], folder: Path, task: str
) -> tuple[dict[str, Guess], list[str]]:
    """Find the annotation files that a target reads.

    Returns:
        A guess for each split that has a file of its own, or one for the empty name; and notes on
        files that are not used. Empty where there are none.
    """
    notes: list[str] = []
    for find in (_voc, _coco, _cvat, _labelme):
        try:
            if guesses := find(roles, folder, task, notes):
                return guesses, notes
        except (KeyError, TypeError, ValueError) as error:  # files of other programs
            notes.append(f"annotation files not used: {type(error).__name__}: {error}")
    return {}, notes


def _voc(roles: list[Role], folder: Path, task: str, notes: list[str]) -> dict[str, Guess]:
    masks = [role for role in roles if "segmentationclass" in role.words]
    if not (folder / "labelmap.txt").is_file() or not masks:
        return {}
    classes = list(read_labelmap(folder / "labelmap.txt"))
    target = dict(type=VocLabelMap.__name__, folder=masks[0].folder, classes=classes)
    guess = segmentation(task, target, len(classes))
    guess.notes = [f"{masks[0]}, colours from labelmap.txt"]
    return {"": guess}


def _files(roles: list[Role], suffix: str) -> list[str]:
    return sorted(path for role in roles if role.suffix == suffix for path in role.files.values())


def _coco(roles: list[Role], folder: Path, task: str, notes: list[str]) -> dict[str, Guess]:
    found: dict[str, Guess] = {}
    paths = _files(roles, ".json")
    contents: dict[str, dict[str, Any]] = {}
    for path in paths[:20]:
        try:
            content = read_json(folder / path)
        except ValueError as error:
            notes.append(str(error))
            continue
        if {"images", "annotations", "categories"} <= set(content):
            contents[path] = content
    used: Counter[str] = Counter()
    for path, content in contents.items():
        names = read_categories(content, folder / path)
        for annotation in content["annotations"]:
            segments = annotation.get("segments_info", [annotation])  # of a panoptic file
            used.update(names[segment["category_id"]] for segment in segments)
    classes = [_BACKGROUND, *(name for name in sorted(used) if name != _BACKGROUND)]
    for path, content in contents.items():
        split = split_of(path) if len(contents) > 1 else ""
        if split in found or (found and not split):
            notes.append(f"{path}: not used beside another of the same split")
            continue
        target = dict(type="CocoLabelMap", file=path, classes=classes)
        files = {a["file_name"] for a in content["annotations"] if "segments_info" in a}
        if files:
            pngs = [png for png in _files(roles, ".png") if PurePosixPath(png).name in files]
            pngs = [png for png in pngs if "panoptic" in png] or pngs  # not images in PNG
            place = dict(folder=common_folder(pngs), background=_BACKGROUND)
            target |= dict(type=CocoPanopticLabelMap.__name__, **place)
        found[split] = segmentation(task, target, len(classes))
        found[split].notes = [f"{path}, {sum(used.values())} annotations: {few(used, 8)}"]
    return found


def _cvat(roles: list[Role], folder: Path, task: str, notes: list[str]) -> dict[str, Guess]:
    for path in _files(roles, ".xml")[:20]:
        try:
            root = parse_cvat(folder / path)
        except ValueError as error:
            notes.append(str(error))
            continue
        labels = sorted(
            {s.get("label", "") for i in root.iter("image") for s in i} - {"", _BACKGROUND}
        )
        if root.tag != "annotations" or not labels:
            continue
        classes = [_BACKGROUND, *labels]
        target = dict(type=CvatLabelMap.__name__, file=path, classes=classes)
        guess = segmentation(task, target, len(classes))
        guess.notes = [f"{path}: {few(labels, 8)}"]
        return {"": guess}
    return {}


def _labelme(roles: list[Role], folder: Path, task: str, notes: list[str]) -> dict[str, Guess]:
    for role in roles:
        if role.suffix != ".json" or "shapes" not in read_json(folder / role.sample(1)[0]):
            continue
        used: Counter[str] = Counter()
        for path in role.files.values():
            used.update(shape["label"] for shape in read_json(folder / path)["shapes"])
        classes = [_BACKGROUND, *(name for name in sorted(used) if name != _BACKGROUND)]
        target = dict(type="LabelMeLabelMap", folder=role.folder, classes=classes)
        guess = segmentation(task, target, len(classes))
        guess.notes = [f"{role}: {few(used, 8)}"]
        return {"": guess}
    return {}
