"""Prediction files in common formats."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from mmengine.logging import print_log
from mmengine.structures import BaseDataElement
from PIL import Image

from mtlplugins.kinds import enter, get_part

_MILLIMETRE, _MOST_STEPS = 0.001, 65535


def _labels(field: BaseDataElement, entry: dict[str, Any], path: Path) -> None:
    labels = field.get("data")[0].cpu().numpy()
    few = len(entry["classes"]) <= 256
    Image.fromarray(labels.astype(np.uint8 if few else np.uint16)).save(path, "PNG")


def _depth(field: BaseDataElement, entry: dict[str, Any], path: Path) -> None:
    unit = entry.get("file_unit", _MILLIMETRE)
    steps = np.rint(field.get("data")[0].cpu().numpy() / unit)
    if beyond := int((steps > _MOST_STEPS).sum()):
        print_log(
            f"{path}: {beyond} of {steps.size} depths are beyond {_MOST_STEPS * unit:.1f} m, which "
            f"is what 16 bits hold in steps of {unit:g} m, and are written as that; give the data "
            "set's DepthMap a larger unit",
            logger="current",
            level=logging.WARNING,
        )
    Image.fromarray(steps.clip(0, _MOST_STEPS).astype(np.uint16)).save(path, "PNG")


def _vectors(field: BaseDataElement, entry: dict[str, Any], path: Path) -> None:
    np.save(path, field.get("data").permute(1, 2, 0).cpu().numpy())


def _values(field: BaseDataElement, entry: dict[str, Any], path: Path) -> None:
    _vectors(field, entry, path)
    if (std := field.get("std")) is not None:
        np.save(path.with_name(f"{path.stem}_std.npy"), std.permute(1, 2, 0).cpu().numpy())


def _class(field: BaseDataElement, entry: dict[str, Any], path: Path) -> None:
    scores = dict(zip(entry["classes"], field.get("score").tolist(), strict=True))
    best = entry["classes"][int(field.get("label"))]
    path.write_text(json.dumps({"class": best, "scores": scores}, indent=1))


def _class_set(field: BaseDataElement, entry: dict[str, Any], path: Path) -> None:
    scores = dict(zip(entry["classes"], field.get("score").tolist(), strict=True))
    chosen = zip(entry["classes"], field.get("label").tolist(), strict=True)
    labels = [name for name, label in chosen if label]
    path.write_text(json.dumps({"labels": labels, "scores": scores}, indent=1))


def _numbers(field: BaseDataElement, entry: dict[str, Any], path: Path) -> None:
    numbers = field.get("numbers").tolist()
    names = entry.get("names") or list(map(str, range(len(numbers))))
    found = {"numbers": dict(zip(names, numbers, strict=True))}
    if (std := field.get("std")) is not None:
        found["std"] = dict(zip(names, std.tolist(), strict=True))
    path.write_text(json.dumps(found, indent=1))


def _shares(field: BaseDataElement, entry: dict[str, Any], path: Path) -> None:
    shares = np.rint(255 * field.get("data")[0].cpu().numpy().clip(0, 1))
    Image.fromarray(shares.astype(np.uint8)).save(path, "PNG")


def _points(field: BaseDataElement, entry: dict[str, Any], path: Path) -> None:
    heat = field.get("data").cpu().numpy()
    names = entry.get("names") or map(str, range(len(heat)))
    points = {}
    for name, one in zip(names, heat, strict=True):
        row, column = np.unravel_index(one.argmax(), one.shape)
        points[name] = dict(column=int(column), row=int(row), value=round(float(one.max()), 4))
    path.write_text(json.dumps({"points": points}, indent=1))


class Writer(NamedTuple):
    """Writer of the predictions of one kind.

    Attributes:
        suffix: Suffix of the files.
        write: Function of the field ``pred_<task>``, the task's ``metainfo`` and the file's path.
    """

    suffix: str
    write: Callable[[BaseDataElement, dict[str, Any], Path], None]


enter("segmentation", "writer", Writer(".png", _labels))
enter("depth", "writer", Writer(".png", _depth))
enter("normals", "writer", Writer(".npy", _vectors))
enter("classification", "writer", Writer(".json", _class))
enter("ordinal", "writer", Writer(".json", _class))
enter("multilabel", "writer", Writer(".json", _class_set))
enter("mask", "writer", Writer(".png", _shares))
enter("edges", "writer", Writer(".png", _shares))
enter("keypoints", "writer", Writer(".json", _points))
enter("pixels", "writer", Writer(".npy", _vectors))
enter("values", "writer", Writer(".npy", _values))
enter("regression", "writer", Writer(".json", _numbers))


def prediction_file(out: Path, task: str, kind: str, stem: str) -> Path:
    """Return the path to which :func:`save_predictions` writes.

    Raises:
        ValueError: The name of the task or of the file leads out of ``out``, or the kind has no
            writer.
    """
    if any(Path(name).is_absolute() or ".." in Path(name).parts for name in (task, stem)):
        raise ValueError(f"the prediction {task}/{stem} would be written outside of {out}")
    return out / task / f"{stem}{get_part(kind, 'writer', task=task).suffix}"


def save_predictions(
    sample: BaseDataElement, tasks: dict[str, dict[str, Any]], out: Path, stem: str
) -> None:
    """Write the predictions of a sample to ``out/<task>/<stem>``, in the layout of a data set.

    Segmentation: PNG of class indices. Depth: 16-bit PNG in the unit of the data set's own images
    (KITTI: 1/256 m), else in millimetres. Normals and colours: float32 ``.npy`` (H, W, 3).
    Classes: JSON with the scores. The standard deviations of heads with ``uncertainty`` are in the
    JSON too, those of maps in a file of their own, ``<stem>_std.npy``.

    Args:
        sample: Sample with ``pred_<task>`` fields.
        tasks: ``dataset_meta["tasks"]``.
        out: Folder; created if missing.
        stem: Name of the files without suffix; may contain folders.

    Raises:
        ValueError: The name of a task or of the files leads out of ``out``, or a kind has no
            writer.
    """
    for task, entry in tasks.items():
        field = sample.get(f"pred_{task}")
        if field is not None:
            path = prediction_file(out, task, entry["kind"], stem)
            path.parent.mkdir(parents=True, exist_ok=True)
            get_part(entry["kind"], "writer", task=task).write(field, entry, path)
