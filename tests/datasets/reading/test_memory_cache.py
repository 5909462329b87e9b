"""Data in the memory cache equal those in the files."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from mtlplugins.datasets import Draw
from mtlplugins.datasets.reading.files import BrokenFile
from tests._data import make_image, write
from tests.datasets.test_multitask import LOADING, NAMES, build, root  # noqa: F401, a fixture

AUGMENTED = [
    *LOADING,
    dict(type="MultiTaskRandomFlip"),
    dict(type="MultiTaskColorJitter", brightness=0.5, contrast=0.5),
    dict(type="PackMultiTask"),
]


def same(one: Any, other: Any) -> None:
    assert torch.equal(one["inputs"], other["inputs"])
    a, b = one["data_samples"], other["data_samples"]
    assert set(a.keys()) == set(b.keys())
    assert a.metainfo.keys() == b.metainfo.keys()
    for task in ("parts", "depth", "weather"):
        if f"gt_{task}" in a:
            for key, value in a.get(f"gt_{task}").items():
                assert torch.equal(value, b.get(f"gt_{task}").get(key))


@pytest.mark.parametrize("workers", [0, 2])
def test_every_draw_is_that_of_the_files(root: Path, workers: int) -> None:  # noqa: F811
    """Twice each, as transforms must not change what is kept; then without the files."""
    files = build(root, pipeline=AUGMENTED)
    kept = build(root, pipeline=AUGMENTED, resident=True)
    draws = [Draw(number % 4, seed=5, number=number) for number in range(8)]
    wanted = [files[draw] for draw in draws]
    shutil.rmtree(root)
    loader = DataLoader(kept, sampler=draws, batch_size=None, num_workers=workers)
    for one, other in zip(loader, wanted, strict=True):
        same(one, other)


def test_photographs_are_kept_whole(root: Path) -> None:  # noqa: F811
    """Their crops are those of whole images, also where a reduced one would do."""
    for name in NAMES:
        write(root / "photos" / f"{name}.jpeg", make_image(3, size=(240, 320)))
    behind = [
        dict(type="MultiTaskRandomResizedCrop", scale=20),
        dict(type="PackMultiTask"),
    ]
    whole = [dict(type="LoadMultiTaskImage"), *behind]
    late = [dict(type="OpenMultiTaskImage"), *behind]
    files = build(root, pipeline=whole)
    kept = build(root, pipeline=late, resident=True)
    assert kept._cache.megabytes == pytest.approx(4 * 240 * 320 * 3 / 1e6)
    draws = [Draw(number % 4, seed=5, number=number) for number in range(8)]
    wanted = [files[draw] for draw in draws]
    shutil.rmtree(root)
    for draw, one in zip(draws, wanted, strict=True):
        same(kept[draw], one)


def test_memory_is_that_of_the_arrays(root: Path) -> None:  # noqa: F811
    """Four images, two label maps as int32, two depth maps as float32, of 24 x 32 pixels."""
    kept = build(root, resident=True)._cache
    assert kept.megabytes == pytest.approx(24 * 32 * (4 * 3 + 2 * 4 + 2 * 4) / 1e6)


def test_broken_files_stop_at_the_start_or_are_left_out(root: Path) -> None:  # noqa: F811
    (root / "photos" / "b.jpeg").write_bytes(b"no image")
    with pytest.raises(BrokenFile, match=r"b\.jpeg cannot be read"):
        build(root, resident=True)
    packed = [*LOADING, dict(type="PackMultiTask")]
    data = build(root, resident=True, broken_files="skip", pipeline=packed)
    item = data[NAMES.index("b")]
    (message,) = item["data_samples"].left_out
    assert "b.jpeg" in message
    assert item["data_samples"].img_path.endswith("e.jpeg")  # the other with the weather


def test_a_pipeline_that_loads_nothing_is_refused(root: Path) -> None:  # noqa: F811
    with pytest.raises(ValueError, match="does not begin with LoadMultiTaskImage"):
        build(root, resident=True, pipeline=[dict(type="PackMultiTask")])


def test_images_chosen_by_index(root: Path) -> None:  # noqa: F811
    data = build(root, resident=True, indices=[2, 0])
    assert [Path(data[i]["img_path"]).stem for i in range(2)] == ["c", "a"]
    assert isinstance(data[0]["img"], np.ndarray)
