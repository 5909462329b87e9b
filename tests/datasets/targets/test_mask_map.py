"""Masks and edges from files written by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mtlplugins.datasets import EdgeMap, MaskMap
from mtlplugins.datasets.reading.files import BrokenFile
from tests._data import write


@pytest.mark.parametrize(
    ("values", "options", "wanted"),
    [
        (np.array([[0, 1, 1]], np.uint8), {}, [[0, 1, 1]]),
        (np.array([[0, 255, 0]], np.uint8), {}, [[0, 1, 0]]),
        (np.array([[0, 65535, 0]], np.uint16), {}, [[0, 1, 0]]),
        (np.array([[0, 1, 255]], np.uint8), dict(missing=255), [[0, 1, 255]]),
        (np.array([[0, 128, 127]], np.uint8), dict(threshold=0.5), [[0, 1, 0]]),
        (np.array([[0, 255, 9]], np.uint8), dict(threshold=0.5, missing=(9, 8)), [[0, 1, 255]]),
        (np.repeat(np.array([[[0], [255]]], np.uint8), 3, axis=2), {}, [[0, 1]]),
    ],
)
def test_masks_as_people_have_them(tmp_path: Path, values, options, wanted) -> None:
    path = write(tmp_path / "a.png", values)
    mask = MaskMap(**options).load(str(path))
    assert mask.dtype == np.uint8
    assert mask.tolist() == wanted
    assert MaskMap().pack(mask).data.shape == (1, *mask.shape)


def test_bits_and_floats(tmp_path: Path) -> None:
    Image.fromarray(np.array([[True, False]])).save(tmp_path / "a.png")
    assert MaskMap().load(str(tmp_path / "a.png")).tolist() == [[1, 0]]
    path = write(tmp_path / "a.npy", np.array([[0.2, 0.9]]))
    assert MaskMap(threshold=0.5).load(str(path)).tolist() == [[0, 1]]


@pytest.mark.parametrize(
    ("values", "options", "message"),
    [
        (np.array([[0, 7]], np.uint8), {}, r"value 7 \(row 0, column 1\).*0 and 255; .*threshold"),
        (np.array([[0, 1, 255]], np.uint8), {}, r"value 1 \(row 0, column 1\) is none of a mask"),
        (np.zeros((2, 3, 2), np.uint8), {}, r"one channel.*shape \(2, 3, 2\)"),
        (np.array([[0.0, np.nan]]), dict(threshold=0.5), r"value nan \(row 0, column 1\)"),
        (np.array([[0.0, 3.0]]), dict(threshold=0.5), r"value 3\.0 .*0 and 1;"),
    ],
)
def test_other_files_are_refused(tmp_path: Path, values, options, message) -> None:
    path = write(tmp_path / "a.npy", values)
    with pytest.raises(BrokenFile, match=f"{path}: .*{message}"):
        MaskMap(**options).load(str(path))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (dict(threshold=2), "MaskMap: threshold=2, give a share"),
        (dict(missing="x"), "MaskMap: missing='x', give the value"),
        (dict(names=["salient"]), r"MaskMap: names=\['salient'\]"),
    ],
)
def test_bad_settings(options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        MaskMap(**options)


def test_counts_have_the_names() -> None:
    mask = np.array([[0, 1, 255, 1]], np.uint8)
    assert MaskMap(names=("rest", "salient")).describe(mask) == dict(rest=1, salient=2)
    assert EdgeMap().describe(mask) == dict(inside=1, edge=2)


def test_edges_of_labels_lie_between_them(tmp_path: Path) -> None:
    labels = np.zeros((12, 16), np.uint16)
    labels[:, 8:] = 300
    path = write(tmp_path / "a.png", labels)
    edges = EdgeMap(of_labels=True).load(str(path))
    assert (edges.sum(axis=1)[1:-1] == 1).all()  # thinning may shorten the ends
    assert set(np.nonzero(edges)[1]) <= {7, 8}
    # a missing label has boundaries to none
    labels[:, 7:9] = 9
    path = write(tmp_path / "b.png", labels)
    edges = EdgeMap(of_labels=True, missing=9).load(str(path))
    assert (edges[:, 7:9] == 255).all()
    assert edges[edges != 255].sum() == 0


def test_edges_of_labels_need_labels(tmp_path: Path) -> None:
    path = write(tmp_path / "a.npy", np.zeros((2, 2)))
    with pytest.raises(BrokenFile, match=r"boundaries are those of labels.*float64"):
        EdgeMap(of_labels=True).load(str(path))
    with pytest.raises(ValueError, match="reads labels, which have no threshold"):
        EdgeMap(of_labels=True, threshold=0.5)
