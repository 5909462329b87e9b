from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from mmseg.registry import METRICS

import mtlplugins  # noqa: F401
from mtlplugins.evaluation import MultiTaskAccuracy

CLASSES = tuple("abcdefgh")


def build(topk=(1,), classes=CLASSES) -> MultiTaskAccuracy:
    metric = METRICS.build({"type": "MultiTaskAccuracy", "task": "scene", "topk": topk})
    metric.dataset_meta = {"tasks": {"scene": {"kind": "classification", "classes": classes}}}
    return metric


def sample(label: int, score) -> dict:
    return {
        "img_path": "room/0001.jpg",
        "gt_scene": {"label": torch.tensor([label])},
        "pred_scene": {"score": torch.as_tensor(score, dtype=torch.float32)},
    }


def evaluate(samples: list[dict], topk=(1,), classes=CLASSES) -> dict[str, float]:
    metric = build(topk, classes)
    metric.process(None, samples)
    return metric.evaluate(len(samples))


def test_hand_computed_values():
    scores = [0.1, 0.6, 0.3]
    samples = [sample(label, scores) for label in (0, 1, 1, 2)]
    result = evaluate(samples, topk=(1, 2, 3), classes=tuple("abc"))
    assert result == {"scene/top1": 50.0, "scene/top2": 75.0, "scene/top3": 100.0}


def test_equals_numpy_however_batched():
    rng = np.random.default_rng(0)
    scores = rng.random((40, 8))
    labels = rng.integers(0, 8, 40)
    samples = [sample(int(label), score) for label, score in zip(labels, scores, strict=True)]
    order = np.argsort(-scores, axis=1)
    expected = {
        f"scene/top{k}": 100 * np.mean((order[:, :k] == labels[:, None]).any(1)) for k in (1, 5)
    }
    assert evaluate(samples, topk=(1, 5)) == pytest.approx(expected)
    metric = build((1, 5))
    for start, stop in ((0, 1), (1, 30), (30, 40)):
        metric.process(None, samples[start:stop])
    assert metric.evaluate(40) == pytest.approx(expected)


def test_constant_scores_are_right_for_one_class_only():
    samples = [sample(label, np.full(8, 0.125)) for label in range(8)]
    assert evaluate(samples) == {"scene/top1": 12.5}


def test_missing_targets():
    labelled = sample(0, np.eye(8)[0])
    unlabelled = {"pred_scene": labelled["pred_scene"]}
    assert evaluate([unlabelled, labelled, unlabelled]) == {"scene/top1": 100.0}
    assert math.isnan(evaluate([unlabelled])["scene/top1"])
    with pytest.raises(KeyError, match="target of task 'scene' but no 'pred_scene'"):
        evaluate([{"gt_scene": labelled["gt_scene"]}])


def test_k_above_the_classes_is_an_early_error():
    with pytest.raises(ValueError, match=r"task 'scene': topk=\(1, 9\) .* the 8 "):
        build(topk=(1, 9))


@pytest.mark.parametrize("topk", [(), (0,)])
def test_impossible_k(topk):
    with pytest.raises(ValueError, match="task 'scene': topk must hold numbers >= 1"):
        MultiTaskAccuracy("scene", topk=topk)


@pytest.mark.parametrize(
    ("label", "score", "message"),
    [
        (8, np.eye(8)[0], r"the label \[8\] must be one class index below 8"),
        (-1, np.eye(8)[0], r"the label \[-1\]"),
        (0, np.eye(7)[0], r"expected 8 scores without NaN, got shape \(7,\)"),
        (0, np.full(8, np.nan), "with 8 NaN"),
    ],
)
def test_bad_samples_are_errors(label, score, message):
    with pytest.raises(ValueError, match="task 'scene', image room/0001.jpg: .*" + message):
        evaluate([sample(label, score)])


def test_state_does_not_grow():
    metric = build((1, 5))
    for _ in range(100):
        metric.process(None, [sample(0, np.eye(8)[0])])
    held = [value for value in vars(metric).values() if isinstance(value, torch.Tensor)]
    assert sum(tensor.numel() for tensor in held) == 2 * 3
    assert metric.results == []


def test_cross_entropy_is_that_of_torch_however_batched():
    logits = 3 * torch.randn(30, 8, generator=torch.Generator().manual_seed(0))
    labels = [i % 8 for i in range(30)]
    metric = MultiTaskAccuracy("scene", topk=(1, 2), cross_entropy=True)
    metric.dataset_meta = {"tasks": {"scene": {"kind": "classification", "classes": CLASSES}}}
    samples = [sample(k, row.softmax(0)) for k, row in zip(labels, logits, strict=True)]
    metric.process(None, samples[:7])
    metric.process(None, samples[7:])
    found = metric.evaluate(30)
    assert list(found) == ["scene/top1", "scene/top2", "scene/cross_entropy"]
    wanted = torch.nn.functional.cross_entropy(logits, torch.tensor(labels)).item()
    assert found["scene/cross_entropy"] == pytest.approx(wanted, rel=1e-5)
    assert metric.higher_is_better["cross_entropy"] is False


def test_a_score_of_0_costs_much_but_not_everything():
    metric = MultiTaskAccuracy("scene", cross_entropy=True)
    metric.dataset_meta = {"tasks": {"scene": {"kind": "classification", "classes": CLASSES[:2]}}}
    metric.process(None, [sample(0, [0.0, 1.0])])
    assert metric.evaluate(1)["scene/cross_entropy"] == pytest.approx(126 * math.log(2))
