"""CIFAR-10 and CIFAR-100, each with two tasks: the class and the super-class."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from mmengine.logging import print_log
from mmseg.registry import DATASETS
from torch import Tensor

from mtlplugins.io.safe_pickle import read_pickle
from mtlplugins.structures import MultiTaskDataSample

from .cifar_classes import (
    CIFAR10,
    CIFAR10_CLASSES,
    CIFAR100,
    CIFAR100_CLASSES,
    Hierarchy,
    superclass_of,
)
from .draw_sampler import Draw
from .multitask import MultiTaskDataset

SIZE = (32, 32)
_ROW = 3 * SIZE[0] * SIZE[1]


class Variant(NamedTuple):
    """How the official files of a data set are laid out."""

    folder: str
    train: tuple[str, ...]
    test: str
    names: str  # the file that names the classes
    keys: dict[str, str]  # of the names in that file, by task
    label: str  # key of the class in a batch
    coarse: str | None  # key of the super-class in a batch
    classes: tuple[str, ...]
    hierarchy: Hierarchy


VARIANTS = {
    10: Variant(
        folder="cifar-10-batches-py",
        train=tuple(f"data_batch_{number}" for number in range(1, 6)),
        test="test_batch",
        names="batches.meta",
        keys=dict(label="label_names"),
        label="labels",
        coarse=None,
        classes=CIFAR10_CLASSES,
        hierarchy=CIFAR10,
    ),
    100: Variant(
        folder="cifar-100-python",
        train=("train",),
        test="test",
        names="meta",
        keys=dict(label="fine_label_names", superclass="coarse_label_names"),
        label="fine_labels",
        coarse="coarse_labels",
        classes=CIFAR100_CLASSES,
        hierarchy=CIFAR100,
    ),
}
_SPLITS = ("train", "val", "trainval", "test")


@DATASETS.register_module()
class MultiTaskCIFAR(MultiTaskDataset):
    """CIFAR-10 or CIFAR-100 (Krizhevsky 2009) from the official python files.

    Tasks: ``label``, the class, and ``superclass``: animal or vehicle of CIFAR-10 (Nguyen & Chen,
    section 2.5), the 20 coarse labels of CIFAR-100.

    All pictures are one uint8 array in memory, which workers share with the process that they were
    forked from. Without a pipeline an item is packed straight from it; that is the fast way, with
    augmentation in ``MultiTaskDataPreprocessor``, by batch and on the model's device. With one, an
    item goes through its transforms like any other data set's; it needs no loading.

    Args:
        data_root: Folder with ``cifar-10-batches-py`` or ``cifar-100-python`` as they are
            downloaded.
        num_classes: 10 or 100.
        split: ``'train'`` and ``'val'``, which share the 50,000 training pictures; ``'trainval'``
            for all of them; ``'test'``.
        val_fraction: Which part of the training pictures is for validation: the last ones (the
            study's), or random ones.
        val_seed: Seed of the random ones; None for the last.
        tasks: Tasks to hand out.
        suffix: Behind the name of each task, to tell apart the tasks of two data sets.
        pipeline: Transforms.
        test_mode: As in MMEngine.
        indices: Use only the first so many pictures, or those of these indices.
        lazy_init: As in MMEngine.

    Raises:
        FileNotFoundError: A file is missing.
        ValueError: A file is truncated or holds something else, the message names it; or an
            unknown split, task or number of classes.
    """

    source = (
        "download cifar-10-python.tar.gz or cifar-100-python.tar.gz from "
        "https://www.cs.toronto.edu/~kriz/cifar.html and unpack it in data/cifar, or point to "
        "where it is with --cfg-options data_root=DIR"
    )

    def __init__(
        self,
        data_root: str,
        *,
        num_classes: int = 10,
        split: str = "train",
        val_fraction: float = 0.15,
        val_seed: int | None = None,
        tasks: Sequence[str] = ("label", "superclass"),
        suffix: str = "",
        pipeline: Sequence = (),
        test_mode: bool = False,
        indices: int | Sequence[int] | None = None,
        lazy_init: bool = False,
    ) -> None:
        if num_classes not in VARIANTS:
            raise ValueError(f"MultiTaskCIFAR: num_classes={num_classes}, give 10 or 100")
        if split not in _SPLITS:
            raise ValueError(f"MultiTaskCIFAR: split={split!r}, give one of {', '.join(_SPLITS)}")
        if not 0 < val_fraction < 1:
            raise ValueError(f"MultiTaskCIFAR: val_fraction={val_fraction} is not between 0 and 1")
        self.variant = VARIANTS[num_classes]
        self.split = split
        self.val_fraction = val_fraction
        self.val_seed = val_seed
        superclasses = tuple(self.variant.hierarchy)
        super().__init__(
            data_root,
            targets={
                f"label{suffix}": dict(type="ImageLabel", classes=self.variant.classes),
                f"superclass{suffix}": dict(type="ImageLabel", classes=superclasses),
            },
            tasks=[f"{task}{suffix}" for task in tasks],
            pipeline=pipeline,
            test_mode=test_mode,
            indices=indices,
            lazy_init=True,
        )
        self.serialize_data = False  # a list of numbers: the pictures are one array as they are
        self._suffix = suffix
        # one object for all pictures of a class: nobody writes into a target
        self._packed = {
            task: [target.pack(i) for i in range(len(target.classes))]
            for task, target in self.target_types.items()
        }
        if not lazy_init:
            self.full_init()

    def load_data_list(self) -> list[int]:
        """Read the files into memory, and list which of the pictures belong to the split."""
        folder = Path(self.data_root) / self.variant.folder
        if not folder.is_dir():
            raise FileNotFoundError(f"no folder {folder.absolute()}: {self.source}")
        self._check_names(folder)
        files = [self.variant.test] if self.split == "test" else self.variant.train
        batches = [self._read(folder / file) for file in files]
        self._pictures = torch.from_numpy(np.concatenate([pictures for pictures, _ in batches]))
        labels = np.concatenate([labels for _, labels in batches])
        owner = np.array(superclass_of(self.variant.hierarchy, self.variant.classes))
        values = dict(label=labels.tolist(), superclass=owner[labels].tolist())
        self._labels = {t: values[t.removesuffix(self._suffix)] for t in self.target_types}
        self._paths = [
            f"{self.variant.folder}/{file}#{i}"
            for file, (pictures, _) in zip(files, batches, strict=True)
            for i in range(len(pictures))
        ]
        chosen = self._chosen(len(labels))
        print_log(
            f"MultiTaskCIFAR {folder}, {self.split}: {len(chosen)} pictures", logger="current"
        )
        return chosen

    def _chosen(self, count: int) -> list[int]:
        if self.split in ("trainval", "test"):
            return list(range(count))
        order = np.arange(count)
        if self.val_seed is not None:
            order = np.random.default_rng(self.val_seed).permutation(count)
        border = int(count * (1 - self.val_fraction) + 1e-6)
        return sorted(order[:border].tolist() if self.split == "train" else order[border:].tolist())

    def _check_names(self, folder: Path) -> None:
        """Check that the files are of the data set that was asked for."""
        path = folder / self.variant.names
        expected = dict(label=self.variant.classes, superclass=tuple(self.variant.hierarchy))
        content = self._content(path)
        for task, key in self.variant.keys.items():
            names = tuple(map(_text, _field(content, key, path)))
            if names != expected[task]:
                raise ValueError(
                    f"{path}: {key} is {', '.join(names[:3])}, …, but the official file has "
                    f"{', '.join(expected[task][:3])}, …: {self.source}"
                )

    def _content(self, path: Path) -> dict[str, Any]:
        if not path.is_file():
            raise FileNotFoundError(f"no file {path.absolute()}: {self.source}")
        content = read_pickle(path)
        if not isinstance(content, dict):
            raise ValueError(f"{path} holds a {type(content).__name__}, not a dict: {self.source}")
        return {_text(key): value for key, value in content.items()}

    def _read(self, path: Path) -> tuple[np.ndarray, np.ndarray]:
        """Read a batch: pictures uint8 (N, 3, 32, 32), BGR as everywhere, and classes (N,)."""
        content = self._content(path)
        rows = _field(content, "data", path)
        if not isinstance(rows, np.ndarray) or rows.dtype != np.uint8 or rows.shape[1:] != (_ROW,):
            raise ValueError(f"{path}: data is not a uint8 array (N, {_ROW}): {self.source}")
        labels = _numbers(content, self.variant.label, path, len(rows), len(self.variant.classes))
        if self.variant.coarse is not None:
            owner = np.array(superclass_of(self.variant.hierarchy, self.variant.classes))
            count = len(self.variant.hierarchy)
            coarse = _numbers(content, self.variant.coarse, path, len(rows), count)
            if wrong := np.flatnonzero(owner[labels] != coarse).tolist():
                raise ValueError(
                    f"{path}: picture {wrong[0]} is of the class "
                    f"{self.variant.classes[labels[wrong[0]]]!r}, but of the super-class "
                    f"{list(self.variant.hierarchy)[coarse[wrong[0]]]!r}: {self.source}"
                )
        return np.ascontiguousarray(rows.reshape(-1, 3, *SIZE)[:, ::-1]), labels

    def tasks_of(self, idx: int) -> list[str]:
        """List the tasks of a picture: all."""
        return list(self.target_types)

    def get_data_info(self, idx: int) -> dict:
        """Describe a picture and its targets to a pipeline."""
        number = self.data_list[int(idx)]
        return dict(
            img=np.ascontiguousarray(self._pictures[number].numpy().transpose(1, 2, 0)),
            img_path=self._paths[number],
            img_shape=SIZE,
            ori_shape=SIZE,
            sample_idx=int(idx),
            seg_fields=[],
            target_types=self.target_types,
            **{f"gt_{task}": labels[number] for task, labels in self._labels.items()},
        )

    def __getitem__(self, idx: int) -> dict:
        """Pack a picture, after the pipeline if there is one."""
        if not self._fully_initialized:
            self.full_init()
        if self.pipeline.transforms:
            return super().__getitem__(idx)
        number = self.data_list[int(idx)]
        meta = dict(img_path=self._paths[number], ori_shape=SIZE, img_shape=SIZE, invalid={})
        if isinstance(idx, Draw):
            meta["draw"] = (idx.seed, idx.number)
        sample = MultiTaskDataSample(metainfo=meta)
        for task, labels in self._labels.items():
            setattr(sample, f"gt_{task}", self._packed[task][labels[number]])
        return dict(inputs=self._picture(number), data_samples=sample)

    def _picture(self, number: int) -> Tensor:
        # a copy: a view would be sent from a worker together with all pictures
        return self._pictures[number].clone()


def _text(name: Any) -> str:
    return name.decode("ascii", "replace") if isinstance(name, bytes) else str(name)


def _field(content: dict[str, Any], key: str, path: Path) -> Any:
    if key not in content:
        raise ValueError(
            f"{path} has no {key!r}, only {', '.join(content)}: is it a file of the other CIFAR?"
        )
    return content[key]


def _numbers(content: dict[str, Any], key: str, path: Path, count: int, classes: int) -> np.ndarray:
    values = np.asarray(_field(content, key, path))
    if values.shape != (count,) or values.dtype.kind not in "iu":
        raise ValueError(f"{path}: {key} is not a list of {count} numbers, one for each picture")
    if count and not (values.min() >= 0 and values.max() < classes):
        raise ValueError(f"{path}: {key} goes up to {values.max()}, but there are {classes}")
    return values.astype(np.int64)
