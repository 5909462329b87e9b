from __future__ import annotations

from copy import deepcopy
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmseg.registry import MODELS
from PIL import Image

from mtlplugins.apis import MultiTaskInferencer, load_config
from mtlplugins.rooms.renderer import render_room

PIPELINE = [dict(type="LoadMultiTaskImage"), dict(type="PackMultiTask")]


@pytest.fixture(scope="module")
def config() -> Config:
    options = {
        "tasks": "depth",
        "model.backbone.depths": [1, 1, 1, 1],
        "model.backbone.plan": None,
    }
    cfg = load_config("mtlplugins::rooms/swin_cond_rooms.py", options)
    cfg.pop("test_pipeline")
    cfg.test_dataloader.dataset.pop("pipeline")
    return cfg


@pytest.fixture(scope="module")
def checkpoint(config: Config, tmp_path_factory: pytest.TempPathFactory) -> str:
    init_default_scope("mmseg")
    path = tmp_path_factory.mktemp("checkpoint") / "model.pth"
    tasks = dict(depth=dict(kind="depth"))
    meta = dict(dataset_meta=dict(tasks=tasks))
    torch.save(dict(state_dict=MODELS.build(config.model).state_dict(), meta=meta), path)
    return str(path)


@pytest.mark.parametrize("wrapped", [False, True])
def test_transforms_inside_the_data_loader(
    config: Config, checkpoint: str, wrapped: bool, tmp_path: Path
) -> None:
    cfg = deepcopy(config)
    dataset = dict(type="RoomsDataset", length=1, pipeline=PIPELINE)
    cfg.test_dataloader.dataset = dict(type="A", dataset=dataset) if wrapped else dataset
    Image.fromarray(render_room(0, 0, size=(64, 96)).image).save(tmp_path / "a.png")
    sample = MultiTaskInferencer(cfg, checkpoint, device="cpu")(tmp_path / "a.png")
    assert sample.pred_depth.data.shape == (1, 64, 96)


def test_a_model_without_transforms_cannot_read_a_file(config: Config, checkpoint: str) -> None:
    inferencer = MultiTaskInferencer(config, checkpoint, device="cpu")  # enough for an export
    with pytest.raises(ValueError, match=r"no transforms for an image file: give it test_pipeline"):
        inferencer("a.png")


def test_chosen_tasks_are_predicted_and_the_config_stays(config: Config, checkpoint: str) -> None:
    cfg = deepcopy(config)
    del cfg.model.test_cfg
    inferencer = MultiTaskInferencer(cfg, checkpoint, tasks=["depth"], device="cpu")
    assert inferencer.model.test_cfg["tasks"] == ["depth"]
    assert "test_cfg" not in cfg.model
