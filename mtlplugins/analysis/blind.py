"""What a predictor that looks at no pixel reaches: any model must beat it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import cv2
import numpy as np
import torch
from mmengine.evaluator import BaseMetric
from mmengine.structures import BaseDataElement, LabelData, PixelData

from mtlplugins.structures import MultiTaskDataSample


def _labels(targets: Sequence[BaseDataElement], entry: dict[str, Any]) -> np.ndarray:
    """The most frequent class at each position (H, W)."""
    first = targets[0].data.shape[-2:]
    counts = np.zeros((len(entry["classes"]), *first), np.int64)
    for target in targets:
        labels = _resize(target.data[0].numpy().astype(np.int32), first)
        for index in range(len(counts)):
            counts[index] += labels == index
    return counts.argmax(axis=0)


def _depth(targets: Sequence[BaseDataElement], entry: dict[str, Any]) -> np.ndarray:
    """The median of the valid depths at each position (H, W), in metres."""
    first = targets[0].data.shape[-2:]
    stack = np.stack([_resize(target.data[0].numpy(), first) for target in targets])
    everywhere = np.median(stack[stack > 0])
    median = np.ma.median(np.ma.masked_equal(stack, 0), axis=0)
    return median.filled(everywhere).astype(np.float32)


def _class(targets: Sequence[BaseDataElement], entry: dict[str, Any]) -> np.ndarray:
    """The share of each class (C,)."""
    labels = np.array([int(target.label) for target in targets])
    return np.bincount(labels, minlength=len(entry["classes"])) / len(labels)


def _resize(array: np.ndarray, size: Sequence[int]) -> np.ndarray:
    return cv2.resize(array, tuple(size)[::-1], interpolation=cv2.INTER_NEAREST_EXACT)


def _map(value: np.ndarray, target: BaseDataElement) -> PixelData:
    dtype = np.int32 if value.dtype.kind == "i" else np.float32
    fitted = _resize(value.astype(dtype), target.data.shape[-2:])
    return PixelData(data=torch.from_numpy(fitted)[None].to(target.data.dtype))


def _scores(value: np.ndarray, target: BaseDataElement) -> LabelData:
    score = torch.from_numpy(value.astype(np.float32))
    return LabelData(score=score, label=score.argmax()[None])


#: How to learn and how to predict without looking, by kind of task.
_BLIND: dict[str, tuple[Callable, Callable]] = {
    "segmentation": (_labels, _map),
    "depth": (_depth, _map),
    "classification": (_class, _scores),
}


def blind_scores(
    train: Iterable[MultiTaskDataSample],
    test: Iterable[MultiTaskDataSample],
    metrics: Sequence[BaseMetric],
    dataset_meta: dict[str, Any],
) -> dict[str, float]:
    """Score the most frequent class and the median depth per position, and the most frequent label.

    Args:
        train: Samples to take them from.
        test: Samples to score on.
        metrics: One metric per task, with its ``task``.
        dataset_meta: Describes the tasks.

    Returns:
        ``<task>/<metric>``; tasks of a kind that has no blind predictor are left out.
    """
    train, test = list(train), list(test)
    scores: dict[str, float] = {}
    for metric in metrics:
        task = metric.task
        entry = dataset_meta["tasks"][task]
        if entry["kind"] not in _BLIND:
            continue
        fit, predict = _BLIND[entry["kind"]]
        targets = [t for t in (sample.target(task) for sample in train) if t is not None]
        value = fit(targets, entry)
        metric.dataset_meta = dataset_meta
        for sample in test:
            target = sample.target(task)
            if target is not None:
                fields = {f"gt_{task}": target, f"pred_{task}": predict(value, target)}
                metric.process(None, [{k: v.to_dict() for k, v in fields.items()}])
        scores |= metric.evaluate(len(test))
    return scores
