"""Benchmark of the input pipeline: images per second and core."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import cv2
import numpy as np
import torch
from mmengine.registry import init_default_scope
from mmseg.registry import DATASETS
from PIL import Image
from torch.utils.data import Dataset

from mtlplugins.apis import load_config

from .tables import Table
from .timing import Spread

NYUV2, ROOMS = "configs/swin_cond_nyuv2.py", "configs/rooms/swin_cond_rooms.py"
#: mmseg's usual training pipeline, with the crop size and scale of ours.
MMSEG_PIPELINE = [
    dict(type="LoadImageFromFile"),
    dict(type="LoadAnnotations", reduce_zero_label=True),
    dict(type="RandomResize", scale=(299, 224), ratio_range=(1.0, 1.4), keep_ratio=True),
    dict(type="RandomCrop", crop_size=(224, 224), cat_max_ratio=0.75),
    dict(type="RandomFlip", prob=0.5),
    dict(type="PhotoMetricDistortion"),
    dict(type="PackSegInputs"),
]
PHOTOGRAPH = (3000, 4000)  # height and width: 12 megapixels
_SHARE = 8  # one photograph per so many other images, because it takes longer


def measure(*, data: str | None, images: int = 64, repeats: int = 5) -> list[Table]:
    """Load and transform training images, in one thread of this process.

    Args:
        data: Root of NYUv2; None to leave its rows out.
        images: Images per repeat; an eighth of them for photographs.
        repeats: Number of measurements.
    """
    init_default_scope("mmseg")
    rows = [_row(name, d, images, repeats) for name, d in _datasets(data).items()]
    with TemporaryDirectory() as folder:
        for name, dataset in _photographs(Path(folder)).items():
            rows.append(_row(name, dataset, max(images // _SHARE, 1), repeats))
    return [
        Table(
            "Input",
            ("data", "size", "ms an image (quartiles)", "images a second and core"),
            rows,
            "Training pipelines: read, transform, pack; the configs' where nothing else is said.",
        )
    ]


def _row(name: str, dataset: Dataset, images: int, repeats: int) -> tuple[str, str, Spread, float]:
    seconds = []
    with _one_thread():
        for repeat in range(repeats + 1):
            began = time.perf_counter()
            for index in range(repeat * images, (repeat + 1) * images):
                sample = dataset[index % len(dataset)]
            seconds.append((time.perf_counter() - began) / images)
    spread = Spread.of(seconds[1:])
    size = "×".join(map(str, sample["inputs"].shape[-2:]))
    return name, size, spread, 1 / spread.median


def _datasets(data: str | None) -> dict[str, Dataset]:
    found = {}
    if data is not None:
        from_files = {"train_dataloader.dataset.resident": False}
        one_task = {"train_dataloader.dataset.tasks": ("semantic",), **from_files}
        classes = [str(number) for number in range(13)]
        mmsegs = dict(
            type="BaseSegDataset",
            data_root=data,
            data_prefix=dict(img_path="image", seg_map_path="semantic13"),
            ann_file="splits/train.txt",
            metainfo=dict(classes=classes),
            reduce_zero_label=True,
            pipeline=MMSEG_PIPELINE,
        )
        found["NYUv2, semantic and depth"] = _training_set(NYUV2, data_root=data, **from_files)
        found["NYUv2, semantic"] = _training_set(NYUV2, data_root=data, **one_task)
        found["NYUv2, semantic and depth, resident"] = _training_set(NYUV2, data_root=data)
        found["NYUv2, semantic, by mmseg's usual pipeline"] = DATASETS.build(mmsegs)
    found["rendered rooms, all tasks"] = _training_set(ROOMS)
    return found


def _photographs(folder: Path) -> dict[str, Dataset]:
    """Measure a photograph of smooth noise, without targets, decoded whole and by its crop."""
    coarse = np.random.default_rng(0).integers(0, 256, (60, 80, 3), dtype=np.uint8)
    smooth = cv2.resize(coarse, PHOTOGRAPH[::-1], interpolation=cv2.INTER_CUBIC)
    Image.fromarray(smooth).save(folder / "photograph.jpg", quality=90)
    loading = {"decoded whole": "LoadMultiTaskImage", "decoded by its crop": "OpenMultiTaskImage"}
    return {
        f"photograph of 12 megapixels, {how}": DATASETS.build(
            dict(
                type="MultiTaskDataset",
                data_root=str(folder),
                targets={},
                image=dict(folder="", suffix=".jpg"),
                pipeline=[
                    dict(type=load),
                    dict(type="MultiTaskRandomResizedCrop", scale=224),
                    dict(type="MultiTaskRandomFlip"),
                    dict(type="PackMultiTask"),
                ],
            )
        )
        for how, load in loading.items()
    }


def _training_set(config: str, **options: Any) -> Dataset:
    return DATASETS.build(load_config(config, options).train_dataloader.dataset)


@contextmanager
def _one_thread() -> Iterator[None]:
    """Context in which OpenCV and PyTorch use one core, as in a DataLoader worker."""
    before = cv2.getNumThreads(), torch.get_num_threads()
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(before[0])
        torch.set_num_threads(before[1])
