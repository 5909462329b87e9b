"""Guesses of targets, from the values that their files hold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from mtlplugins.common.text import few
from mtlplugins.datasets.reading.arrays import read_array
from mtlplugins.datasets.reading.files import BrokenFile
from mtlplugins.datasets.targets import NormalMap

from .class_names import Colour

_IGNORED = 255
_NO_TRUTH = {"void", "unlabelled", "unlabeled", "ignore", "ignored", "unknown", "undefined"}
_SPARSE = 0.5  # share of missing pixels from which depth is a laser scanner's
#: Units of 16-bit depth in metres, and whose files have them.
_UNITS = {0.001: "millimetres", 1 / 256: "1/256 m, as KITTI's"}
_HEAD = 32  # channels of a decoder of the base config


@dataclass
class Guess:
    """Proposed task.

    Attributes:
        task: Its name.
        target: Config of its target.
        head: Config of its head.
        metric: Type of its metric.
        notes: What was seen.
        unsure: What a person should check.
    """

    task: str
    target: dict[str, Any]
    head: dict[str, Any]
    metric: str
    notes: list[str] = field(default_factory=list)
    unsure: list[str] = field(default_factory=list)

    @property
    def dense(self) -> bool:
        """Whether it needs a decoder."""
        return self.head["in_channels"] == _HEAD


def segmentation(task: str, target: dict[str, Any], count: int) -> Guess:
    """Propose the classes of a target whose config is known."""
    head = dict(type="SegmentationHead", in_channels=_HEAD, num_classes=count)
    return Guess(task, target, head, "MultiTaskIoUMetric")


def labels(task: str, place: dict[str, Any], values: Counter[int], names: Sequence[str]) -> Guess:
    """Propose the classes of files with one number per pixel."""
    found = sorted(int(value) for value in values)
    unsure = []
    target = dict(type="LabelMap", **place)
    plain = [value for value in found if value != _IGNORED]
    if len(found) == 2 and found[0] == 0 and found[1] > 1 and len(names) in (0, 2):
        classes = list(names) or ["background", "object"]
        target |= dict(classes=classes, values={0: classes[0], found[1]: classes[1]})
        note = f"a mask of 0 and {found[1]}"
    elif names and plain and plain[0] >= 0 and len(names) == plain[-1]:
        classes = list(names)
        target |= dict(classes=classes, reduce_zero_label=True)
        note = f"values {plain[0]} to {plain[-1]} for {len(names)} names"
        unsure.append("0 is taken for no ground truth, and i + 1 for class i")
    elif plain and (plain == list(range(len(plain))) or len(names) > plain[-1] >= plain[0] >= 0):
        classes = list(names) if len(names) > plain[-1] else [f"class{v}" for v in plain]
        target |= dict(classes=classes)
        note = f"values {plain[0]} to {plain[-1]}"
        if _IGNORED in found:
            note += f", and {_IGNORED} for no ground truth"
    else:
        classes = [f"class{value}" for value in plain]
        target |= dict(classes=classes, values=dict(zip(plain, classes, strict=True)))
        target |= dict(unlisted="ignore")
        note = f"the values {few(map(str, found), 12)}"
        unsure.append("other values than those that were seen are ignored")
    if target["classes"] != list(names):
        unsure.append("the names of the classes are made up")
    guess = segmentation(task, target, len(target["classes"]))
    guess.notes, guess.unsure = [note], unsure
    return guess


def colours(
    task: str,
    place: dict[str, Any],
    found: Counter[Colour],
    names: Mapping[str, Colour | None],
) -> Guess:
    """Propose the classes of files in colours."""
    known = {colour: name for name, colour in names.items() if colour}
    void = {colour for colour, name in known.items() if name.lower() in _NO_TRUTH}
    others = sorted(set(found) - set(known))
    classes = [known[colour] for colour in known if colour not in void]
    palette = [list(colour) for colour in known if colour not in void]
    classes += ["#{:02x}{:02x}{:02x}".format(*colour) for colour in others]
    palette += [list(colour) for colour in others]
    target = dict(type="LabelMap", **place, classes=classes, palette=palette)
    if void:
        target["ignore_colours"] = [list(colour) for colour in void]
    guess = segmentation(task, target, len(classes))
    guess.notes = [f"{len(found)} colours"]
    if others:
        guess.unsure.append(
            f"the names of {len(others)} classes are their colours, such as {classes[-1]}; move "
            "colours without ground truth from classes and palette to ignore_colours"
        )
    return guess


def depth(task: str, place: dict[str, Any], paths: Sequence[Path]) -> Guess:
    """Propose unit and range of files with depth."""
    parts = [read_array(str(path), lossless=True) for path in paths]
    whole = parts[0].dtype.kind != "f"
    numbers = np.concatenate([np.ravel(part).astype(np.float64) for part in parts])
    missing = [0]
    if whole and (numbers == 65535).mean() > 0.001:
        missing.append(65535)
    valid = numbers[np.isfinite(numbers) & ~np.isin(numbers, missing)]
    if not valid.size:
        valid = np.ones(1)
    middle, top = float(np.median(valid)), float(np.percentile(valid, 99.5))
    shape = parts[0].shape
    sparse = 1 - valid.size / numbers.size > _SPARSE
    if whole:
        unit = 1 / 256 if sparse or shape[1] > 2.5 * shape[0] else 0.001
    else:
        unit = 0.001 if middle > 300 else 1.0
    target = dict(type="DepthMap", **place, unit=unit)
    if len(missing) > 1:
        target["missing"] = tuple(missing)
    low = float(np.percentile(valid, 0.5)) * unit
    ends = dict(min_depth=max(round(0.8 * low, 3), 0.001), max_depth=round(1.2 * top * unit, 3))
    head = dict(type="DepthHead", in_channels=_HEAD, **ends)
    guess = Guess(task, target, head, "MultiTaskDepthMetric")
    share = valid.size / numbers.size
    guess.notes = [
        f"{share:.0%} of the pixels have depth, half of them below {middle * unit:.3g} m"
    ]
    unit_name = _UNITS.get(unit, "metres")
    guess.unsure = [f"the unit is taken for {unit_name}"]
    if whole:
        others = [(u, name) for u, name in _UNITS.items() if u != unit]
        guess.unsure[0] += "".join(f" (in {n} the median is {middle * u:.3g} m)" for u, n in others)
    return guess


def normals(task: str, place: dict[str, Any], paths: Sequence[Path]) -> Guess:
    """Propose the encoding of files with normals: the first that they can be read with."""
    for encoding in ("127.5", "127"):
        try:
            target = NormalMap(**place, encoding=encoding)
            values = [target.load(str(path)) for path in paths]
            break
        except BrokenFile as error:
            values, reason = [], str(error)
    guess = Guess(
        task,
        dict(type="NormalMap", **place, encoding=encoding),
        dict(type="NormalsHead", in_channels=_HEAD),
        "MultiTaskNormalsMetric",
    )
    if not values:
        guess.unsure.append(f"the encoding is unknown: {reason}")
        return guess
    z = np.concatenate([value[..., 2].ravel() for value in values])
    if (z > 0).sum() > (z < 0).sum():
        guess.target["signs"] = (1, -1, -1)
        guess.unsure.append("the axes are taken for y up and z towards the camera")
    guess.notes.append("unit vectors")
    return guess
