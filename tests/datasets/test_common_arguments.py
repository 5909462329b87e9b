"""No data set loses an argument that it shares with MultiTaskDataset."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import pytest

from mtlplugins.datasets import (
    MultiTaskCIFAR,
    MultiTaskDataset,
    NYUv2Dataset,
    RoomsDataset,
    TaskonomyDataset,
)
from mtlplugins.datasets.common_arguments import CommonArguments
from tests._data import make_cifar, make_nyuv2, make_taskonomy

VALUES: dict[str, Any] = dict(
    broken_files="skip",
    resident=True,
    pipeline=[dict(type="LoadMultiTaskImage"), dict(type="LoadTargets")],
    test_mode=True,
    indices=1,
    lazy_init=True,
)


def build(kind: type, root: Path, **common: Any) -> MultiTaskDataset:
    if kind is RoomsDataset:
        return RoomsDataset(2, size=(16, 16), **common)
    if kind is MultiTaskCIFAR:
        make_cifar(root)
        return MultiTaskCIFAR(str(root), **common)
    if kind is NYUv2Dataset:
        return NYUv2Dataset(str(make_nyuv2(root)), ann_file="splits/train.txt", **common)
    settings = dict(ann_file="train_val_test_tiny.csv", index_dir=str(root / "index"))
    return TaskonomyDataset(str(make_taskonomy(root / "taskonomy")), **settings, **common)


def test_they_are_arguments_of_the_base_class() -> None:
    assert set(VALUES) == set(CommonArguments.__annotations__)
    base = inspect.signature(MultiTaskDataset.__init__).parameters
    own = {"self", "data_root", "targets", "ann_file", "image", "renames", "tasks"}
    assert set(base) - own == set(VALUES)


@pytest.mark.parametrize("kind", [MultiTaskCIFAR, NYUv2Dataset, RoomsDataset, TaskonomyDataset])
@pytest.mark.parametrize("name", VALUES)
def test_each_reaches_the_base_class(kind: type, name: str, tmp_path: Path) -> None:
    common = {name: VALUES[name]}
    if name == "resident" and kind is not RoomsDataset:
        common["pipeline"] = VALUES["pipeline"]
    data = build(kind, tmp_path, **common)
    assert data._fully_initialized is (name != "lazy_init")
    if name == "indices":
        assert len(data) == 1
    elif name == "pipeline":
        assert len(data.pipeline.transforms) == 2
    elif name == "resident":
        assert (data._cache is None) is (kind is MultiTaskCIFAR)  # its images are in memory anyway
    elif name != "lazy_init":
        assert getattr(data, name) == VALUES[name]


def test_a_misspelt_one_is_an_error() -> None:
    with pytest.raises(TypeError, match="unexpected keyword argument 'residnet'"):
        RoomsDataset(2, residnet=True)
