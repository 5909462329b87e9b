"""Evaluation of a checkpoint from Python."""

from __future__ import annotations

import pytest
from mmengine.config import Config

from mtlplugins.apis import MultiTaskInferencer
from mtlplugins.apis.test import augment, select_tasks


def test_selected_tasks_reach_a_model_without_test_settings() -> None:
    evaluator = [dict(type="MultiTaskDepthMetric", task=task) for task in ("depth", "height")]
    cfg = Config(dict(model=dict(heads={}), test_evaluator=evaluator))
    select_tasks(cfg, ["height"])
    assert cfg.model.test_cfg.tasks == ["height"]
    assert [metric.task for metric in cfg.test_evaluator] == ["height"]
    kept = Config(dict(model=dict(test_cfg=dict(mode="whole")), test_evaluator=evaluator))
    select_tasks(kept, ["depth"])
    assert kept.model.test_cfg == dict(mode="whole", tasks=["depth"])


ARMS = dict(
    type="LabelMap",
    classes=("left arm", "right arm"),
    left_right=[("left arm", "right arm")],
)
BODY = dict(type="ImageLabel", classes=("a", "b"), left_right=[("a", "b")])


def config(tta: dict | None = None, **targets: dict) -> Config:
    heads = dict(
        parts=dict(type="SegmentationHead"),
        side=dict(type="ClassificationHead"),
        normals=dict(type="NormalsHead"),
    )
    dataset = dict(type="RepeatDataset", dataset=dict(type="MultiTaskDataset", targets=targets))
    model = dict(type="MultiTaskModel", heads=heads, test_cfg=dict(tta=tta))
    return Config(dict(model=model, test_dataloader=dict(dataset=dataset)))


@pytest.mark.parametrize(("task", "target"), [("parts", ARMS), ("side", BODY)])
def test_mirrored_views_of_left_and_right_are_refused_by_the_config_alone(
    task: str, target: dict
) -> None:
    message = f"values of task '{task}' are others in a mirrored image .*flip=False"
    with pytest.raises(ValueError, match=message):
        augment(config(**{task: target}))
    with pytest.raises(ValueError, match=message):  # before the checkpoint is looked for
        MultiTaskInferencer(config(dict(scales=(1,)), **{task: target}), "missing.pth")
    kept = config(dict(flip=False), **{task: target})
    augment(kept)
    assert kept.model.test_cfg.tta == dict(flip=False)


def test_mirrored_views_that_can_be_merged_pass() -> None:
    normals = dict(type="NormalMap", folder="normals")
    merged = config(normals=normals, parts=dict(ARMS, left_right=()), other=ARMS)
    augment(merged)
    assert merged.model.test_cfg.tta == {}
    merged.model.test_cfg.tasks = ["normals"]
    merged.test_dataloader.dataset.dataset.targets.parts = ARMS
    augment(merged)  # the task of left and right is not predicted
    assert merged.model.test_cfg.tasks == ["normals"]
