"""Blind baseline: scores of predictors that see no pixels, which any model must beat."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import cv2
import numpy as np
import torch
from mmengine.structures import BaseDataElement, LabelData, PixelData

from mtlplugins.evaluation import TaskMetric
from mtlplugins.kinds import enter, get_part, why_left_out
from mtlplugins.structures import MultiTaskDataSample


class BlindPredictor(NamedTuple):
    """Predictor for a kind of target that sees no pixels.

    Attributes:
        fit: Takes the targets of the training images and the task's ``metainfo``; returns a value.
        predict: Takes that value and the target of an image, for its size; returns the field
            ``pred_<task>``.
    """

    fit: Callable[[Sequence[Any], dict[str, Any]], Any]
    predict: Callable[[Any, Any], BaseDataElement]


def _fit_labels(targets: Sequence[Any], entry: dict[str, Any]) -> np.ndarray:
    """Compute the most frequent class at each position (H, W)."""
    first = targets[0].data.shape[-2:]
    counts = np.zeros((len(entry["classes"]), *first), np.int64)
    for target in targets:
        labels = _resize(target.data[0].numpy().astype(np.int32), first)
        for index in range(len(counts)):
            counts[index] += labels == index
    return counts.argmax(axis=0)


def _fit_depth(targets: Sequence[Any], entry: dict[str, Any]) -> np.ndarray:
    """Compute the median of the valid depths at each position (H, W), in metres."""
    first = targets[0].data.shape[-2:]
    stack = np.stack([_resize(target.data[0].numpy(), first) for target in targets])
    everywhere = np.median(stack[stack > 0])
    median = np.ma.median(np.ma.masked_equal(stack, 0), axis=0)
    return median.filled(everywhere).astype(np.float32)


def _fit_normals(targets: Sequence[Any], entry: dict[str, Any]) -> np.ndarray:
    """Compute the mean direction of the valid normals at each position: unit vectors (H, W, 3)."""
    first = targets[0].data.shape[-2:]
    total = np.zeros((*first, 3))
    for target in targets:
        total += _resize(target.data.permute(1, 2, 0).numpy(), first)  # missing ones are 0
    undecided = np.linalg.norm(total, axis=-1) < 1e-6
    total[undecided] = total.sum(axis=(0, 1))
    return total / np.linalg.norm(total, axis=-1, keepdims=True)


def _fit_classes(targets: Sequence[Any], entry: dict[str, Any]) -> np.ndarray:
    """Compute the share of each class (C,)."""
    labels = np.array([int(target.label) for target in targets])
    return np.bincount(labels, minlength=len(entry["classes"])) / len(labels)


def _fit_class_sets(targets: Sequence[Any], entry: dict[str, Any]) -> np.ndarray:
    """Compute the share of the images that have each class (C,)."""
    return np.mean([target.label.numpy() for target in targets], axis=0)


def _fit_numbers(targets: Sequence[Any], entry: dict[str, Any]) -> np.ndarray:
    """Compute the median of each number (K,)."""
    return np.median([target.numbers.numpy() for target in targets], axis=0)


def _fit_colour(targets: Sequence[Any], entry: dict[str, Any]) -> np.ndarray:
    """Compute the mean colour of the hidden pixels (3,)."""
    stack = np.concatenate([target.data.flatten(1).numpy() for target in targets], axis=1)
    return np.nanmean(stack, axis=1)


def _fit_masks(targets: Sequence[Any], entry: dict[str, Any]) -> np.ndarray:
    """Compute the share of the images with ground truth at a position whose mask has it (H, W)."""
    first = targets[0].data.shape[-2:]
    stack = np.stack([_resize(target.data[0].numpy(), first) for target in targets])
    known = (stack != 255).sum(axis=0)
    return ((stack == 1).sum(axis=0) / np.maximum(known, 1)).astype(np.float32)


def _fit_values(targets: Sequence[Any], entry: dict[str, Any]) -> np.ndarray:
    """Compute the median of the known values at each position (H, W, K)."""
    first = targets[0].data.shape[-2:]
    maps = [_resize(target.data.permute(1, 2, 0).numpy(), first) for target in targets]
    stack = np.ma.masked_invalid([m.reshape(*first, -1) for m in maps])
    everywhere = np.ma.median(stack, axis=(0, 1, 2)).filled(0)
    median = np.ma.median(stack, axis=0)
    return np.where(np.ma.getmaskarray(median), everywhere, median.filled(0)).astype(np.float32)


def _fit_heat(targets: Sequence[Any], entry: dict[str, Any]) -> np.ndarray:
    """Compute the mean of the known heat maps at each position (H, W, K)."""
    first = targets[0].data.shape[-2:]
    maps = [_resize(target.data.permute(1, 2, 0).numpy(), first) for target in targets]
    stack = np.ma.masked_invalid([m.reshape(*first, -1) for m in maps])
    return stack.mean(axis=0).filled(0).astype(np.float32)


def _resize(array: np.ndarray, size: Sequence[int]) -> np.ndarray:
    return cv2.resize(array, tuple(size)[::-1], interpolation=cv2.INTER_NEAREST_EXACT)


def _predict_map(value: np.ndarray, target: Any) -> PixelData:
    dtype = np.int32 if value.dtype.kind == "i" else np.float32
    fitted = _resize(value.astype(dtype), target.data.shape[-2:])
    return PixelData(data=torch.from_numpy(fitted)[None].to(target.data.dtype))


def _predict_shares(value: np.ndarray, target: Any) -> PixelData:
    return PixelData(data=torch.from_numpy(_resize(value, target.data.shape[-2:]))[None])


def _predict_class(value: np.ndarray, target: Any) -> LabelData:
    score = torch.from_numpy(value.astype(np.float32))
    return LabelData(score=score, label=score.argmax()[None])


def _predict_median(value: np.ndarray, target: Any) -> LabelData:
    median = int((value.cumsum()[:-1] < 0.5).sum())
    score = torch.from_numpy(value.astype(np.float32))
    return LabelData(score=score, label=torch.tensor([median]))


def _predict_class_set(value: np.ndarray, target: Any) -> LabelData:
    score = torch.from_numpy(value.astype(np.float32))
    return LabelData(score=score, label=(score >= 0.5).long())


def _predict_numbers(value: np.ndarray, target: Any) -> LabelData:
    return LabelData(numbers=torch.from_numpy(value.astype(np.float32)))


def _predict_vectors(value: np.ndarray, target: Any) -> PixelData:
    size = target.data.shape[-2:]
    fitted = _resize(value.astype(np.float32), size).reshape(*size, -1)  # OpenCV drops one channel
    return PixelData(data=torch.from_numpy(fitted).permute(2, 0, 1))


def _predict_colour(value: np.ndarray, target: Any) -> PixelData:
    colour = torch.from_numpy(value.astype(np.float32))[:, None, None]
    return PixelData(data=colour.expand(target.data.shape))


enter("segmentation", "blind", BlindPredictor(_fit_labels, _predict_map))
enter("depth", "blind", BlindPredictor(_fit_depth, _predict_map))
enter("normals", "blind", BlindPredictor(_fit_normals, _predict_vectors))
enter("classification", "blind", BlindPredictor(_fit_classes, _predict_class))
enter("ordinal", "blind", BlindPredictor(_fit_classes, _predict_median))
enter("multilabel", "blind", BlindPredictor(_fit_class_sets, _predict_class_set))
enter("mask", "blind", BlindPredictor(_fit_masks, _predict_shares))
enter("edges", "blind", BlindPredictor(_fit_masks, _predict_shares))
enter("values", "blind", BlindPredictor(_fit_values, _predict_vectors))
enter("keypoints", "blind", BlindPredictor(_fit_heat, _predict_vectors))
enter("pixels", "blind", BlindPredictor(_fit_colour, _predict_colour))
enter("regression", "blind", BlindPredictor(_fit_numbers, _predict_numbers))


def blind_scores(
    train: Iterable[MultiTaskDataSample],
    test: Iterable[MultiTaskDataSample],
    metrics: Sequence[TaskMetric],
    dataset_meta: dict[str, Any],
) -> dict[str, float]:
    """Score the blind predictor of each task.

    Per position the most frequent class, the median depth and the mean normal; the mean colour
    of hidden pixels; the frequency of a mask; per image the most frequent class, the frequency of
    each class and the median of each number.

    Args:
        train: Samples to fit the predictors to.
        test: Samples to score.
        metrics: One metric per task.
        dataset_meta: Description of the tasks.

    Returns:
        Scores by ``<task>/<metric>``, without tasks of a kind for which
        :func:`mtlplugins.kinds.leave_out` states why it has no blind predictor.

    Raises:
        ValueError: A kind has no blind predictor, and no stated reason.
    """
    train, test = list(train), list(test)
    scores: dict[str, float] = {}
    for metric in metrics:
        task = metric.task
        entry = dataset_meta["tasks"][task]
        if why_left_out(entry["kind"], "blind"):
            continue
        fit, predict = get_part(entry["kind"], "blind", task=task)
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
