"""Evaluation of a checkpoint from Python."""

from __future__ import annotations

from mmengine.config import Config

from mtlplugins.apis.test import select_tasks


def test_selected_tasks_reach_a_model_without_test_settings() -> None:
    evaluator = [dict(type="MultiTaskDepthMetric", task=task) for task in ("depth", "height")]
    cfg = Config(dict(model=dict(heads={}), test_evaluator=evaluator))
    select_tasks(cfg, ["height"])
    assert cfg.model.test_cfg.tasks == ["height"]
    assert [metric.task for metric in cfg.test_evaluator] == ["height"]
    kept = Config(dict(model=dict(test_cfg=dict(mode="whole")), test_evaluator=evaluator))
    select_tasks(kept, ["depth"])
    assert kept.model.test_cfg == dict(mode="whole", tasks=["depth"])
