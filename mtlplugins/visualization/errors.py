"""Error maps: where, and by how much, a dense prediction misses its ground truth."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from mmengine.structures import PixelData

from mtlplugins.kinds import part_of_kind

_UNLABELLED = 255


class ErrorMap(NamedTuple):
    """Error of each pixel, float32 (H, W); NaN where there is no ground truth.

    ``unit`` is that of the values; empty where they only say right (0) or wrong (1).
    """

    name: str
    unit: str
    values: np.ndarray


#: Called with ground truth, prediction and the task's ``metainfo``.
ErrorMaps = Callable[[PixelData, PixelData, dict[str, Any]], list[ErrorMap]]


@part_of_kind("segmentation", "errors")
def wrong_labels(truth: PixelData, prediction: PixelData, entry: dict[str, Any]) -> list[ErrorMap]:
    """Mark the pixels whose label is another one; unlabelled ones are NaN."""
    labels, predicted = _array(truth)[0], _array(prediction)[0]
    wrong = (labels != predicted).astype(np.float32)
    wrong[labels == entry.get("ignore_index", 255)] = np.nan
    return [ErrorMap("wrong labels", "", wrong)]


@part_of_kind("depth", "errors")
def depth_errors(truth: PixelData, prediction: PixelData, entry: dict[str, Any]) -> list[ErrorMap]:
    """Compute |d - g| in metres, and in percent of the true depth g; missing pixels are NaN."""
    depth, predicted = _array(truth)[0], _array(prediction)[0]
    depth = np.where(np.isfinite(depth) & (depth > 0), depth, np.nan).astype(np.float32)
    error = np.abs(predicted - depth)
    return [
        ErrorMap("absolute error", "m", error),
        ErrorMap("relative error", "%", 100 * error / depth),
    ]


@part_of_kind("normals", "errors")
def angles(truth: PixelData, prediction: PixelData, entry: dict[str, Any]) -> list[ErrorMap]:
    """Compute the angle between true and predicted normal in degrees; missing ones are NaN."""
    normals, predicted = _array(truth), _array(prediction)
    lengths = np.linalg.norm(normals, axis=0) * np.linalg.norm(predicted, axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        cosine = (normals * predicted).sum(0) / lengths
    angle = np.degrees(np.arccos(cosine.clip(-1, 1))).astype(np.float32)
    return [ErrorMap("angle", "°", angle)]


@part_of_kind("pixels", "errors")
def colour_errors(truth: PixelData, prediction: PixelData, entry: dict[str, Any]) -> list[ErrorMap]:
    """Average |c - g| over the channels, in percent of the range 0 … 1; NaN where g is."""
    error = np.abs(_array(prediction) - _array(truth)).mean(0)
    return [ErrorMap("mean error", "%", (100 * error).astype(np.float32))]


@part_of_kind("mask", "errors")
@part_of_kind("edges", "errors")
def mask_errors(truth: PixelData, prediction: PixelData, entry: dict[str, Any]) -> list[ErrorMap]:
    """Compute |p - g| of probabilities p in percent; unlabelled pixels (255) are NaN."""
    mask, predicted = _array(truth)[0], _array(prediction)[0]
    error = 100 * np.abs(predicted - mask.astype(np.float32))
    error[mask == _UNLABELLED] = np.nan
    return [ErrorMap("error", "%", error)]


@part_of_kind("values", "errors")
def value_errors(truth: PixelData, prediction: PixelData, entry: dict[str, Any]) -> list[ErrorMap]:
    """Compute the length of v - g over a pixel's values; NaN where one of g is missing."""
    length = np.linalg.norm(_array(prediction) - _array(truth), axis=0)
    return [ErrorMap("error", entry.get("unit") or "", length.astype(np.float32))]


def _array(field: PixelData) -> np.ndarray:
    data = field.get("data").detach().cpu()
    return (data.float() if data.is_floating_point() else data).numpy()
