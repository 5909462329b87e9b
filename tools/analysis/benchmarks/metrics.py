"""Benchmark of the metrics: time and memory."""

from __future__ import annotations

import time
from collections.abc import Callable

import torch
from mmengine.evaluator import BaseMetric
from mmengine.logging import MMLogger
from mmseg.evaluation import IoUMetric

from mtlplugins.evaluation import MultiTaskDepthMetric, MultiTaskIoUMetric

from .tables import Table

CLASSES = tuple(f"class {i}" for i in range(13))
META = dict(
    classes=CLASSES,
    tasks=dict(
        semantic=dict(kind="segmentation", classes=CLASSES, ignore_index=255),
        depth=dict(kind="depth", min_depth=0.5, max_depth=10.0),
    ),
)


def measure(
    *, numbers: tuple[int, ...] = (654, 10_000), size: tuple[int, int] = (96, 128)
) -> list[Table]:
    """Measure the time per image of a metric, and the memory of its state."""
    MMLogger.get_instance("benchmark", log_level="ERROR")
    generator = torch.Generator().manual_seed(0)
    labels = torch.randint(0, 13, (2, 1, *size), generator=generator)
    depth = torch.rand(2, 1, *size, generator=generator) * 9 + 0.6
    sample = dict(
        gt_semantic=dict(data=labels[0]),
        pred_semantic=dict(data=labels[1]),
        gt_depth=dict(data=depth[0]),
        pred_depth=dict(data=depth[1]),
        gt_sem_seg=dict(data=labels[0]),
        pred_sem_seg=dict(data=labels[1]),
    )
    metrics: dict[str, Callable[[], BaseMetric]] = {
        "MultiTaskDepthMetric": lambda: MultiTaskDepthMetric("depth"),
        "MultiTaskIoUMetric": lambda: MultiTaskIoUMetric("semantic"),
        "mmseg's IoUMetric": lambda: IoUMetric(iou_metrics=["mIoU"]),
    }
    rows = []
    for name, make in metrics.items():
        for number in numbers:
            metric = make()
            metric.dataset_meta = META
            metric.process(None, [sample])
            began = time.perf_counter()
            for _ in range(number):
                metric.process(None, [sample])
            seconds = time.perf_counter() - began
            rows.append((name, number, 1e3 * seconds / number, _tensors(metric) / 2**20))
    return [
        Table(
            "Metrics",
            ("metric", "images", "ms an image", "MiB kept"),
            rows,
            f"Maps of {size[0]}×{size[1]}; memory of the tensors that the metric holds.",
        )
    ]


def _tensors(metric: BaseMetric) -> int:
    """Count the bytes of all tensors that the metric refers to."""
    found, stack, seen = 0, [vars(metric)], set()
    while stack:
        value = stack.pop()
        if id(value) in seen:
            continue
        seen.add(id(value))
        if isinstance(value, torch.Tensor):
            found += value.untyped_storage().nbytes()
        elif isinstance(value, dict):
            stack += value.values()
        elif isinstance(value, (list, tuple)):
            stack += value
    return found
