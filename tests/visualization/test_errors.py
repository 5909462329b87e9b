"""Error maps against numbers worked out by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from mmengine.structures import PixelData

from mtlplugins.kinds import get_part

NAN = float("nan")


def errors(kind: str, truth: Any, prediction: Any, **entry: Any) -> dict[tuple[str, str], list]:
    maps = get_part(kind, "errors")(
        PixelData(data=torch.tensor(truth)), PixelData(data=torch.tensor(prediction)), entry
    )
    return {(m.name, m.unit): m.values for m in maps}


def test_labels() -> None:
    found = errors("segmentation", [[[0, 1, 7]]], [[[0, 2, 1]]], ignore_index=7)
    np.testing.assert_array_equal(found["wrong labels", ""], [[0, 1, NAN]])


def test_depth() -> None:
    found = errors("depth", [[[2.0, 4.0, 0.0]]], [[[3.0, 1.0, 1.0]]])
    np.testing.assert_allclose(found["absolute error", "m"], [[1, 3, NAN]])
    np.testing.assert_allclose(found["relative error", "%"], [[50, 75, NAN]])


def test_normals() -> None:
    truth = [[[0.0, 0.0, 0.0]], [[0.0, 0.0, 0.0]], [[-1.0, -1.0, 0.0]]]
    tilted = [[[0.0, 1.0, 0.0]], [[0.0, 0.0, 1.0]], [[-2.0, -1.0, 0.0]]]
    np.testing.assert_allclose(
        errors("normals", truth, tilted)["angle", "°"], [[0, 45, NAN]], rtol=1e-5
    )


def test_colours() -> None:
    found = errors("pixels", [[[0.0, NAN]], [[1.0, NAN]]], [[[0.1, 0.5]], [[0.8, 0.5]]])
    np.testing.assert_allclose(found["mean error", "%"], [[15, NAN]], rtol=1e-5)


def test_masks() -> None:
    for kind in ("mask", "edges"):
        found = errors(kind, [[[0, 1, 255]]], [[[0.25, 0.25, 0.25]]])
        np.testing.assert_allclose(found["error", "%"], [[25, 75, NAN]])


def test_values() -> None:
    found = errors("values", [[[0.0, NAN]], [[0.0, 1.0]]], [[[3.0, 1.0]], [[4.0, 1.0]]], unit="px")
    np.testing.assert_allclose(found["error", "px"], [[5, NAN]])
