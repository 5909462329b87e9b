"""What targets count, against counting by hand."""

from __future__ import annotations

import numpy as np

from mtlplugins.datasets import DepthMap, ImageLabel, LabelMap, NormalMap, TaskonomyLabelMap


def there(counts: dict[str, int]) -> dict[str, int]:
    return {name: count for name, count in counts.items() if count}


def test_labels() -> None:
    labels = np.array([[0, 2, 2], [255, 2, 0]], np.int32)
    counts = LabelMap(["sky", "sea", "sand"]).describe(labels)
    assert counts == {"sky": 2, "sea": 0, "sand": 3}
    assert list(counts) == ["sky", "sea", "sand"]
    assert LabelMap(["a", "b", "a"], ignore_index=-1).describe(np.array([[0, 2, -1]])) == {
        "a": 2,
        "b": 0,
    }
    labels = TaskonomyLabelMap("x", ".png").convert(np.array([[0, 1, 17]], np.uint8), "a.png")
    counts = TaskonomyLabelMap("x", ".png").describe(labels)
    assert there(counts) == {"background": 1, "vase": 1}


def test_depth() -> None:
    depth = np.array([[0, 0.2, 0.5, 0.99], [1, 9.9, 99, 1e6]], np.float32)
    counts = DepthMap().describe(depth)
    assert there(counts) == {
        "below 0.5 m": 1,
        "0.5 to 1 m": 2,
        "1 to 2 m": 1,
        "8 to 10 m": 1,
        "50 to 100 m": 1,
        "from 100 m": 1,
    }
    assert sum(counts.values()) == 7
    assert there(DepthMap().describe(np.zeros((3, 3), np.float32))) == {}


def test_normals() -> None:
    normals = np.array(
        [[[0, 0, -1], [0.6, 0, -0.8], [0, 0, 0]], [[-1, 0, 0], [0, -0.8, 0.6], [0.8, 0.6, 0]]],
        np.float32,
    )
    assert there(NormalMap().describe(normals)) == {"the camera": 2, "left": 1, "up": 1, "right": 1}
    assert there(NormalMap().describe(normals * 0)) == {}
    down_and_away = np.array([[[0, 1, 0], [0, 0, 1]]], np.float32)
    assert there(NormalMap().describe(down_and_away)) == {"down": 1, "away": 1}


def test_classes_of_images() -> None:
    assert ImageLabel(classes=["hall", "attic"]).describe(1) == {"hall": 0, "attic": 1}
