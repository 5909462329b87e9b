from __future__ import annotations

import logging
import math

import numpy as np
import pytest
import torch
from mmengine.logging import MMLogger
from mmseg.evaluation import IoUMetric
from mmseg.registry import METRICS

import mtlplugins  # noqa: F401
from mtlplugins.evaluation import MultiTaskIoUMetric

CLASSES = ("bed", "chair", "floor", "wall", "sofa")
IGNORE = 255


def build(classes=CLASSES, task="semantic", options=None, **entry) -> MultiTaskIoUMetric:
    metric = METRICS.build({"type": "MultiTaskIoUMetric", "task": task, **(options or {})})
    metric.dataset_meta = {"tasks": {task: {"kind": "segmentation", "classes": classes, **entry}}}
    return metric


def sample(truth, prediction, task="semantic") -> dict:
    maps = {f"gt_{task}": truth, f"pred_{task}": prediction}
    fields = {key: {"data": torch.as_tensor(value)[None]} for key, value in maps.items()}
    return {"img_path": "room/0001.jpg", **fields}


def random_samples(count: int, seed: int = 0, classes: int = 4) -> list[dict]:
    rng = np.random.default_rng(seed)
    samples = []
    for _ in range(count):
        truth = rng.integers(0, classes, (8, 12))
        noisy = rng.random(truth.shape) < 0.4
        prediction = np.where(noisy, rng.integers(0, classes, truth.shape), truth)
        truth[rng.random(truth.shape) < 0.2] = IGNORE
        samples.append(sample(truth, prediction))
    return samples


def evaluate(samples: list[dict], **entry) -> dict[str, float]:
    metric = build(**entry)
    metric.process(None, samples)
    return metric.evaluate(len(samples))


def test_hand_computed_values():
    # Confusion: truth 0 -> 0, 0 -> 1, 1 -> 1, 1 -> 1; the ignored pixel would be a mistake.
    result = evaluate([sample([[0, 0, 1], [1, IGNORE, IGNORE]], [[0, 1, 1], [1, 0, 1]])])
    assert result == {
        "semantic/aAcc": 75.0,
        "semantic/mIoU": pytest.approx(100 * (1 / 2 + 2 / 3) / 2, abs=0.005),
        "semantic/mAcc": 75.0,  # (1/2 + 2/2) / 2
    }


def test_a_class_without_ground_truth_is_not_averaged_over():
    maps = [[1, 1, 2, 2]], [[1, 0, 2, 2]]  # one pixel of class 1 is taken for class 0
    scores = evaluate([sample(*maps)], ignored_classes=(0,))
    assert scores["semantic/mIoU"] == 75  # (1/2 + 2/2) / 2
    assert scores["semantic/aAcc"] == 75
    assert evaluate([sample(*maps)])["semantic/mIoU"] == 50  # (0 + 1/2 + 2/2) / 3


def test_equals_a_numpy_confusion_matrix():
    samples = random_samples(6)  # the fifth class never occurs and must not count
    confusion = np.zeros((5, 5))
    for one in samples:
        truth, prediction = (one[key]["data"].numpy() for key in ("gt_semantic", "pred_semantic"))
        valid = truth != IGNORE
        np.add.at(confusion, (truth[valid], prediction[valid]), 1)
    hit, truth, predicted = np.diag(confusion)[:4], confusion.sum(1)[:4], confusion.sum(0)[:4]
    assert truth.min() > 0
    result = evaluate(samples)
    assert result["semantic/aAcc"] == pytest.approx(100 * hit.sum() / truth.sum(), abs=0.0051)
    assert result["semantic/mIoU"] == pytest.approx(
        100 * np.mean(hit / (truth + predicted - hit)), abs=0.0051
    )
    assert result["semantic/mAcc"] == pytest.approx(100 * np.mean(hit / truth), abs=0.0051)


CHOICES = ["mIoU"], ["mDice"], ["mFscore"], ["mIoU", "mDice", "mFscore"]


@pytest.mark.parametrize("iou_metrics", CHOICES, ids=str)
@pytest.mark.parametrize("batch", [1, 6])
def test_equals_mmseg(batch, iou_metrics):
    samples = random_samples(6, seed=1)
    theirs = IoUMetric(prefix="semantic", iou_metrics=iou_metrics)
    theirs.dataset_meta = {"classes": CLASSES}
    renamed = [
        {"gt_sem_seg": one["gt_semantic"], "pred_sem_seg": one["pred_semantic"]} for one in samples
    ]
    theirs.process(None, renamed)
    ours = build(options=dict(iou_metrics=iou_metrics))
    for start in range(0, 6, batch):
        ours.process(None, samples[start : start + batch])
    # Both round to two decimals; mmseg adds in float32.
    assert ours.evaluate(6) == pytest.approx(theirs.evaluate(6), abs=0.011)
    assert set(ours.higher_is_better) == set(ours.names)


def test_dice_and_f_score_by_hand():
    # truth 0 -> 0, 0 -> 1, 1 -> 1, 1 -> 1: areas I 1, 2; P 1, 3; T 2, 2
    metric = build(options=dict(iou_metrics=("mDice", "mFscore")))
    metric.process(None, [sample([[0, 0, 1, 1]], [[0, 1, 1, 1]])])
    assert metric.evaluate(1) == {
        "semantic/aAcc": 75.0,
        "semantic/mDice": pytest.approx(100 * (2 / 3 + 4 / 5) / 2, abs=0.005),
        "semantic/mAcc": 75.0,
        "semantic/mFscore": pytest.approx(100 * (2 / 3 + 4 / 5) / 2, abs=0.005),
        "semantic/mPrecision": pytest.approx(100 * (1 + 2 / 3) / 2, abs=0.005),
        "semantic/mRecall": 75.0,
    }


@pytest.mark.parametrize("wrong", [[], ["mIOU"], "dice"])
def test_unknown_results_are_refused(wrong):
    with pytest.raises(ValueError, match=r"task 'semantic': iou_metrics=.* mIoU, mDice, mFscore"):
        build(options=dict(iou_metrics=wrong))


def test_own_ignore_index_and_class_table():
    records = []
    handler = logging.Handler()
    handler.emit = records.append
    logger = MMLogger.get_current_instance()
    logger.addHandler(handler)
    try:
        result = evaluate([sample([[0, 1, 2]], [[1, 1, 2]])], ignore_index=0)
    finally:
        logger.removeHandler(handler)
    assert result["semantic/aAcc"] == 100.0
    table = "\n".join(record.getMessage() for record in records)
    assert all(name in table for name in CLASSES)


@pytest.mark.parametrize("classes", [("room",), ("void", "thing")])
def test_one_and_two_classes(classes):
    labels = torch.arange(len(classes)).repeat(2, 3)
    result = evaluate([sample(labels, labels)], classes=classes)
    assert set(result.values()) == {100.0}


@pytest.mark.parametrize(
    ("truth", "prediction", "message"),
    [
        ([[0, 5]], [[0, 1]], r"the ground truth holds labels \[5\] outside the 5 classes"),
        ([[0, -1]], [[0, 1]], r"the ground truth holds labels \[-1\]"),
        ([[0, 1]], [[0, 7]], r"the prediction holds labels \[7\]"),
        ([[0, 1]], [[0, IGNORE]], r"the prediction holds labels \[255\]"),
        ([[0, 1]], [[0, 1, 1]], r"truth is \(1, 1, 2\) but the prediction \(1, 1, 3\)"),
    ],
)
def test_bad_maps_are_errors(truth, prediction, message):
    with pytest.raises(ValueError, match="task 'semantic', image room/0001.jpg: .*" + message):
        evaluate([sample(truth, prediction)])


@pytest.mark.parametrize(
    "samples", [[], [{"img_path": "a.jpg"}], [sample([[IGNORE, IGNORE]], [[0, 1]])]]
)
def test_nothing_to_score_is_nan(samples):
    result = evaluate(samples)
    assert set(result) == {"semantic/aAcc", "semantic/mIoU", "semantic/mAcc"}
    assert all(math.isnan(value) for value in result.values())


def test_unlabelled_image_changes_nothing():
    samples = random_samples(3)
    unlabelled = sample(np.full((8, 12), IGNORE), np.zeros((8, 12), dtype=np.int64))
    without_target = {"pred_semantic": samples[0]["pred_semantic"]}
    assert evaluate([unlabelled, *samples, without_target]) == evaluate(samples)


def test_state_does_not_grow():
    metric = build()
    for _ in range(30):
        metric.process(None, random_samples(1))
    held = [value for value in vars(metric).values() if isinstance(value, torch.Tensor)]
    assert sum(tensor.numel() for tensor in held) == 2 * (1 + 4 * len(CLASSES))
    assert metric.results == []


def test_classes_must_be_known():
    metric = MultiTaskIoUMetric("semantic")
    with pytest.raises(RuntimeError, match="needs the classes of task 'semantic'"):
        metric.process(None, random_samples(1))


def test_tasks_do_not_share_classes():
    meta = {
        "tasks": {
            "parts": {"kind": "segmentation", "classes": ("head", "leg")},
            "semantic": {"kind": "segmentation", "classes": CLASSES},
        }
    }
    metric = MultiTaskIoUMetric("parts")
    metric.dataset_meta = meta
    with pytest.raises(ValueError, match=r"task 'parts'.*\[3\] outside the 2 classes"):
        metric.process(None, [sample([[3]], [[0]], task="parts")])
