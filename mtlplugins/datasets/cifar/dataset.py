"""CIFAR-10 and CIFAR-100 with two tasks: the class and the super-class."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np
import torch
from mmengine.logging import print_log
from mmseg.registry import DATASETS
from torch import Tensor

from mtlplugins.common.notice import Notice
from mtlplugins.datasets.common_arguments import CommonArguments
from mtlplugins.datasets.draw_sampler import Draw
from mtlplugins.datasets.multitask import MultiTaskDataset
from mtlplugins.structures import MultiTaskDataSample

from .classes import superclass_of
from .files import SIZE, SOURCE, VARIANTS, check_names, read_batch

if TYPE_CHECKING:
    from typing_extensions import Unpack

_SPLITS = ("train", "val", "trainval", "test")


@DATASETS.register_module()
class MultiTaskCIFAR(MultiTaskDataset):
    """CIFAR-10 or CIFAR-100 (Krizhevsky 2009) from the official python files.

    Tasks: ``label``, the class, and ``superclass``: animal or vehicle for CIFAR-10 (Nguyen & Chen,
    section 2.5), the 20 coarse labels for CIFAR-100.

    All images are one uint8 array in memory, which forked workers share with the main process.
    Without a pipeline an item is packed straight from the array; this is the fast way, with
    augmentation by batch and on the model's device in ``MultiTaskDataPreprocessor``. With a
    pipeline an item goes through its transforms, which need no loading.

    Args:
        data_root: Folder that holds the unpacked ``cifar-10-batches-py`` or ``cifar-100-python``.
        num_classes: 10 or 100.
        split: ``'train'`` or ``'val'``, which divide the 50,000 training images; ``'trainval'`` for
            all of them; ``'test'``.
        val_fraction: Share of the training images for validation.
        val_seed: Seed to choose these at random; None for the last ones, as in the study.
        tasks: Tasks to load.
        suffix: Suffix of the task names, to distinguish the tasks of two data sets.
        **common: As in :class:`MultiTaskDataset`: ``pipeline``, ``test_mode``, ``indices``,
            ``lazy_init``; ``resident`` and ``broken_files`` have no effect, as all images are in
            memory, and a broken file is an error at the start.

    Raises:
        FileNotFoundError: A file is missing.
        ValueError: A file is truncated or holds something else; or the split, a task or the number
            of classes is unknown.
    """

    source = SOURCE

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
        **common: Unpack[CommonArguments],
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
        lazy_init = common.get("lazy_init", False)
        common["lazy_init"] = True  # full_init needs the attributes that are set below
        super().__init__(
            data_root,
            targets={
                f"label{suffix}": dict(type="ImageLabel", classes=self.variant.classes),
                f"superclass{suffix}": dict(type="ImageLabel", classes=superclasses),
            },
            tasks=[f"{task}{suffix}" for task in tasks],
            **common,
        )
        self.resident = False  # the images are in memory anyway
        self.serialize_data = False  # a list of numbers needs no serialisation
        self._suffix = suffix
        # one object for all images of a class: nobody writes into a target
        self._packed = {
            task: [target.pack(i) for i in range(len(target.meta()["classes"]))]
            for task, target in self.target_types.items()
        }
        if not lazy_init:
            self.full_init()

    def load_data_list(self) -> list[int]:
        """Read the files into memory, and list the numbers of the images of the split."""
        folder = Path(self.data_root) / self.variant.folder
        if not folder.is_dir():
            raise FileNotFoundError(f"no folder {folder.absolute()}: {self.source}")
        check_names(self.variant, folder)
        files = [self.variant.test] if self.split == "test" else self.variant.train
        batches = [read_batch(self.variant, folder / file) for file in files]
        self._images = torch.from_numpy(np.concatenate([images for images, _ in batches]))
        labels = np.concatenate([labels for _, labels in batches])
        owner = np.array(superclass_of(self.variant.hierarchy, self.variant.classes))
        values = dict(label=labels.tolist(), superclass=owner[labels].tolist())
        self._labels = {t: values[t.removesuffix(self._suffix)] for t in self.target_types}
        self._paths = [
            f"{self.variant.folder}/{file}#{i}"
            for file, (images, _) in zip(files, batches, strict=True)
            for i in range(len(images))
        ]
        chosen = self._chosen(len(labels))
        message = f"MultiTaskCIFAR {folder}, {self.split}: {len(chosen)} images"
        print_log(Notice(message), logger="current")
        return chosen

    def _chosen(self, count: int) -> list[int]:
        if self.split in ("trainval", "test"):
            return list(range(count))
        order = np.arange(count)
        if self.val_seed is not None:
            order = np.random.default_rng(self.val_seed).permutation(count)
        border = int(count * (1 - self.val_fraction) + 1e-6)
        return sorted(order[:border].tolist() if self.split == "train" else order[border:].tolist())

    def tasks_of(self, idx: int) -> list[str]:
        """List the tasks of an image: all."""
        return list(self.target_types)

    def get_data_info(self, idx: int) -> dict:
        """Describe an image and its targets to a pipeline."""
        number = self._number(idx)
        return dict(
            img=np.ascontiguousarray(self._images[number].numpy().transpose(1, 2, 0)),
            img_path=self._paths[number],
            img_shape=SIZE,
            ori_shape=SIZE,
            sample_idx=int(idx),
            seg_fields=[],
            target_types=self.target_types,
            **{f"gt_{task}": labels[number] for task, labels in self._labels.items()},
        )

    def __getitem__(self, idx: int) -> dict:
        """Pack an image, after the pipeline if there is one."""
        if not self._fully_initialized:
            self.full_init()
        if self.pipeline.transforms:
            return super().__getitem__(idx)
        number = self._number(idx)
        meta = dict(img_path=self._paths[number], ori_shape=SIZE, img_shape=SIZE, invalid={})
        if isinstance(idx, Draw):
            meta["draw"] = (idx.seed, idx.number)
        sample = MultiTaskDataSample(metainfo=meta)
        for task, labels in self._labels.items():
            setattr(sample, f"gt_{task}", self._packed[task][labels[number]])
        return dict(inputs=self._image(number), data_samples=sample)

    def _number(self, idx: int) -> int:
        """Return the number of an item in the files."""
        return cast(int, self.data_list[int(idx)])  # MMEngine's lists are of dictionaries

    def _image(self, number: int) -> Tensor:
        # a copy: a worker would send a view together with all images
        return self._images[number].clone()
