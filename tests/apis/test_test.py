"""Evaluation of a checkpoint from Python."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from mmengine.config import Config

from mtlplugins.apis.test import refuse_mirrored_sides, select_tasks
from mtlplugins.datasets import LabelMap


def test_selected_tasks_reach_a_model_without_test_settings() -> None:
    evaluator = [dict(type="MultiTaskDepthMetric", task=task) for task in ("depth", "height")]
    cfg = Config(dict(model=dict(heads={}), test_evaluator=evaluator))
    select_tasks(cfg, ["height"])
    assert cfg.model.test_cfg.tasks == ["height"]
    assert [metric.task for metric in cfg.test_evaluator] == ["height"]
    kept = Config(dict(model=dict(test_cfg=dict(mode="whole")), test_evaluator=evaluator))
    select_tasks(kept, ["depth"])
    assert kept.model.test_cfg == dict(mode="whole", tasks=["depth"])


def test_mirrored_views_of_left_and_right_are_refused() -> None:
    arms = LabelMap(classes=("left arm", "right arm"), left_right=[("left arm", "right arm")])
    dataset = SimpleNamespace(dataset=SimpleNamespace(target_types=dict(parts=arms)))
    with pytest.raises(ValueError, match=r"task 'parts' change places .*flip=False"):
        refuse_mirrored_sides(dict(tta={}), dataset)
    refuse_mirrored_sides(dict(tta=dict(flip=False)), dataset)
    refuse_mirrored_sides({}, dataset)
    dataset.dataset.target_types["parts"] = LabelMap(classes=("a", "b"))
    refuse_mirrored_sides(dict(tta={}), dataset)
