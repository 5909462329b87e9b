"""Images per second that a core prepares."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import cv2
import torch
from mmengine.registry import init_default_scope
from mmseg.registry import DATASETS

from mtlplugins.apis import load_config

from .tables import Table
from .timing import Spread

CONFIGS = {
    "NYUv2, from files": "configs/swin_cond_nyuv2.py",
    "rendered rooms": "configs/rooms/swin_cond_rooms.py",
}


def measure(*, data: str | None, images: int = 64, repeats: int = 5) -> list[Table]:
    """Load and transform training images, in one thread of this process.

    Args:
        data: Root of NYUv2; its row is left out without.
        images: Images of a repeat.
        repeats: Measurements.
    """
    init_default_scope("mmseg")
    rows = []
    for name, config in CONFIGS.items():
        if "NYUv2" in name and data is None:
            continue
        options = {"data_root": data} if "NYUv2" in name else {}
        cfg = load_config(config, options)
        dataset = DATASETS.build(cfg.train_dataloader.dataset)
        seconds = []
        with _one_thread():
            for repeat in range(repeats + 1):
                began = time.perf_counter()
                for index in range(repeat * images, (repeat + 1) * images):
                    sample = dataset[index % len(dataset)]
                seconds.append((time.perf_counter() - began) / images)
        spread = Spread.of(seconds[1:])
        size = "×".join(map(str, sample["inputs"].shape[-2:]))
        rows.append((name, size, spread, 1 / spread.median))
    return [
        Table(
            "Input",
            ("data", "size", "ms an image (quartiles)", "images a second and core"),
            rows,
            "Training pipelines of the configs: read, transform, pack; all targets.",
        )
    ]


@contextmanager
def _one_thread() -> Iterator[None]:
    """Let OpenCV and PyTorch use one core, as in a worker of a DataLoader."""
    before = cv2.getNumThreads(), torch.get_num_threads()
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(before[0])
        torch.set_num_threads(before[1])
