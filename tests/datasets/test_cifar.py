"""CIFAR from small files in the official layout."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch

from mtlplugins.datasets import Draw, MixedDataset, MultiTaskCIFAR
from mtlplugins.datasets.cifar.classes import (
    CIFAR10,
    CIFAR10_CLASSES,
    CIFAR100,
    CIFAR100_CLASSES,
    superclass_of,
)
from tests._data import make_cifar

#: ``coarse_labels`` of the class with this number in the official CIFAR-100 files.
COARSE = (
    4, 1, 14, 8, 0, 6, 7, 7, 18, 3, 3, 14, 9, 18, 7, 11, 3, 9, 7, 11, 6, 11, 5, 10, 7, 6, 13, 15,
    3, 15, 0, 11, 1, 10, 12, 14, 16, 9, 11, 5, 5, 19, 8, 8, 15, 13, 14, 17, 18, 10, 16, 4, 17, 4,
    2, 0, 17, 4, 18, 17, 10, 3, 2, 12, 12, 16, 12, 1, 9, 19, 2, 10, 0, 1, 16, 12, 9, 13, 15, 13,
    16, 19, 2, 4, 6, 19, 5, 5, 8, 19, 18, 1, 2, 15, 6, 0, 17, 8, 14, 13,
)  # fmt: skip


def change(path: Path, **values) -> None:
    """Change or, by None, remove values of a file."""
    content = pickle.loads(path.read_bytes()) | {key.encode(): v for key, v in values.items()}
    content = {key: value for key, value in content.items() if value is not None}
    path.write_bytes(pickle.dumps(content, 2))


def labels_of(dataset: MultiTaskCIFAR, task: str = "label") -> list[int]:
    return [dataset[i]["data_samples"].target(task).label.item() for i in range(len(dataset))]


def test_coarse_labels_are_the_official_ones() -> None:
    assert len(CIFAR100) == 20
    assert {len(names) for names in CIFAR100.values()} == {5}
    assert len(CIFAR100_CLASSES) == len(set(CIFAR100_CLASSES)) == 100
    assert tuple(superclass_of(CIFAR100, CIFAR100_CLASSES)) == COARSE


def test_animals_and_vehicles() -> None:
    owners = np.array(superclass_of(CIFAR10, CIFAR10_CLASSES))
    vehicles = [CIFAR10_CLASSES[i] for i in np.flatnonzero(owners)]
    assert list(CIFAR10) == ["animal", "vehicle"]
    assert vehicles == ["airplane", "automobile", "ship", "truck"]


@pytest.mark.parametrize("num_classes", [10, 100])
def test_images_and_labels_are_those_of_the_files(num_classes: int, tmp_path) -> None:
    folder = make_cifar(tmp_path, num_classes=num_classes, batch=7)
    dataset = MultiTaskCIFAR(str(tmp_path), num_classes=num_classes, split="test")
    content = pickle.loads((folder / ("test" if num_classes == 100 else "test_batch")).read_bytes())
    assert len(dataset) == 7
    for i in range(7):
        item = dataset[i]
        image = item["inputs"]
        assert image.dtype == torch.uint8
        # rows of the files are red, green, blue; the mm stack has blue first
        rgb = content[b"data"][i].reshape(3, 32, 32)
        np.testing.assert_array_equal(image.numpy(), rgb[::-1])
        sample = item["data_samples"]
        label = content[b"fine_labels" if num_classes == 100 else b"labels"][i]
        assert sample.gt_label.label.tolist() == [label]
        if num_classes == 100:
            assert sample.gt_superclass.label.tolist() == [content[b"coarse_labels"][i]]
        else:
            assert sample.gt_superclass.label.tolist() == [int(label in (0, 1, 8, 9))]
    described = dataset.metainfo["tasks"]
    assert [len(entry["classes"]) for entry in described.values()] == (
        [100, 20] if num_classes == 100 else [10, 2]
    )


def test_the_last_images_are_for_validation(tmp_path) -> None:
    make_cifar(tmp_path, batch=8)
    train, val, both = (
        MultiTaskCIFAR(str(tmp_path), split=split) for split in ("train", "val", "trainval")
    )
    assert (len(train), len(val), len(both)) == (34, 6, 40)
    assert labels_of(train) + labels_of(val) == labels_of(both)
    assert val[5]["data_samples"].img_path == "cifar-10-batches-py/data_batch_5#7"


def test_a_random_part_for_validation(tmp_path) -> None:
    make_cifar(tmp_path, batch=8)

    def names(split: str, seed: int) -> set[str]:
        dataset = MultiTaskCIFAR(str(tmp_path), split=split, val_fraction=0.25, val_seed=seed)
        return {dataset[i]["data_samples"].img_path for i in range(len(dataset))}

    train, val = names("train", 3), names("val", 3)
    assert (len(train), len(val), len(train | val)) == (30, 10, 40)
    assert val == names("val", 3)
    assert val != names("val", 4)


def test_the_study_s_split_has_42500_images() -> None:
    dataset = MultiTaskCIFAR("nowhere", split="train", lazy_init=True)
    assert dataset._chosen(50000) == list(range(42500))


def test_an_item_does_not_hold_all_images(tmp_path) -> None:
    """Or a worker would send them all."""
    make_cifar(tmp_path)
    image = MultiTaskCIFAR(str(tmp_path))[3]["inputs"]
    assert image.untyped_storage().nbytes() == 3072


def test_a_pipeline_sees_the_same_image(tmp_path) -> None:
    make_cifar(tmp_path)
    packed = MultiTaskCIFAR(str(tmp_path), indices=3)
    pipeline = [dict(type="MultiTaskRandomFlip", prob=1.0), dict(type="PackMultiTask")]
    flipped = MultiTaskCIFAR(str(tmp_path), indices=3, pipeline=pipeline)
    assert len(flipped) == 3
    for i in range(3):
        one, other = packed[i], flipped[Draw(i, seed=0, number=i)]
        assert torch.equal(one["inputs"].flip(-1), other["inputs"])
        for task in ("label", "superclass"):
            labels = [item["data_samples"].target(task).label for item in (one, other)]
            assert torch.equal(*labels)


def test_draws_are_passed_on_through_a_mixture(tmp_path) -> None:
    for num_classes in (10, 100):
        make_cifar(tmp_path, num_classes=num_classes, batch=4)
    parts = [
        MultiTaskCIFAR(str(tmp_path), num_classes=n, split="test", suffix=str(n)) for n in (10, 100)
    ]
    mixed = MixedDataset(parts, (1, 1))
    assert list(mixed.metainfo["tasks"]) == [
        "label10", "superclass10", "label100", "superclass100"
    ]  # fmt: skip
    sample = mixed[Draw(5, seed=2, number=77)]["data_samples"]
    assert sample.draw == (2, 77)
    assert set(sample.keys()) == {"gt_label100", "gt_superclass100"}
    assert sample.img_path == "cifar-100-python/test#1"


@pytest.mark.parametrize(
    ("file", "values", "message"),
    [
        ("data_batch_3", dict(data=None), "data_batch_3 has no 'data', only .*labels"),
        ("data_batch_3", dict(data=np.zeros((8, 5), np.uint8)), "data_batch_3: data is not"),
        ("data_batch_3", dict(data=np.zeros((8, 3072))), "data_batch_3: data is not a uint8"),
        ("data_batch_3", dict(labels=[1, 2]), "data_batch_3: labels is not a list of 8"),
        ("data_batch_3", dict(labels=["a"] * 8), "data_batch_3: labels is not a list of 8"),
        ("data_batch_3", dict(labels=[10] * 8), "data_batch_3: labels goes up to 10"),
        ("test_batch", None, "test_batch is not read"),
        ("batches.meta", dict(label_names=[b"truck"] * 10), r"batches.meta: label_names is truck"),
        ("batches.meta", None, "batches.meta is not read"),
    ],
)
def test_a_wrong_file_is_named(file: str, values: dict | None, message: str, tmp_path) -> None:
    folder = make_cifar(tmp_path)
    if values is None:
        content = (folder / file).read_bytes()
        (folder / file).write_bytes(content[: len(content) // 2])
    else:
        change(folder / file, **values)
    split = "test" if file == "test_batch" else "train"
    with pytest.raises(ValueError, match=message):
        MultiTaskCIFAR(str(tmp_path), split=split)


def test_a_superclass_that_is_not_that_of_the_class(tmp_path) -> None:
    folder = make_cifar(tmp_path, num_classes=100)
    change(folder / "train", coarse_labels=[0] * 8)
    with pytest.raises(ValueError, match=r"train: image . is of the class '.*', but of the super"):
        MultiTaskCIFAR(str(tmp_path), num_classes=100)


def test_files_of_the_other_data_set(tmp_path) -> None:
    make_cifar(tmp_path).rename(tmp_path / "cifar-100-python")
    with pytest.raises(FileNotFoundError, match=r"no file .*meta"):
        MultiTaskCIFAR(str(tmp_path), num_classes=100)


def test_a_file_of_a_stranger_runs_nothing(tmp_path) -> None:
    class Touch:
        def __reduce__(self):
            return os.system, (f"touch {tmp_path / 'RAN'}",)

    folder = make_cifar(tmp_path)
    change(folder / "data_batch_2", data=Touch())
    with pytest.raises(ValueError, match=r"data_batch_2 is not read: .*\.system, which could run"):
        MultiTaskCIFAR(str(tmp_path))
    assert not (tmp_path / "RAN").exists()


@pytest.mark.parametrize("remove", ["cifar-10-batches-py/data_batch_4", "."])
def test_a_missing_file(remove: str, tmp_path) -> None:
    make_cifar(tmp_path)
    if remove == ".":
        tmp_path /= "nowhere"
    else:
        (tmp_path / remove).unlink()
    with pytest.raises(FileNotFoundError, match=r"no f.*download cifar-10-python.tar.gz"):
        MultiTaskCIFAR(str(tmp_path))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (dict(num_classes=20), "num_classes=20, give 10 or 100"),
        (dict(split="all"), "split='all', give one of train"),
        (dict(val_fraction=1.5), "val_fraction=1.5"),
        (dict(tasks=("semantic",)), "unknown task 'semantic'"),
    ],
)
def test_wrong_settings(settings: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        MultiTaskCIFAR("nowhere", **settings)
