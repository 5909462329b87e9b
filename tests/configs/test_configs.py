"""Every config builds, and inherits from bases that own disjoint keys."""

from __future__ import annotations

from pathlib import Path

import pytest
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmseg.registry import DATASETS, HOOKS, METRICS, MODELS, TRANSFORMS

from mtlplugins.apis import load_config

ROOT = Path(__file__).parents[2] / "configs"
CONFIGS = sorted(str(p.relative_to(ROOT)) for p in ROOT.rglob("*.py") if "_base_" not in p.parts)
OURS = [name for name in CONFIGS if not name.startswith("mmseg/")]


def test_there_are_configs() -> None:
    assert "swin_cond_nyuv2.py" in CONFIGS
    assert len(CONFIGS) >= 8


@pytest.mark.parametrize("name", CONFIGS)
def test_the_model_builds(name: str) -> None:
    cfg = load_config(str(ROOT / name))
    init_default_scope("mmseg")
    model = MODELS.build(cfg.model)
    assert sum(p.numel() for p in model.parameters()) > 1e6


@pytest.mark.parametrize("name", OURS)
def test_data_and_metrics_fit_the_model(name: str) -> None:
    cfg = load_config(str(ROOT / name))
    init_default_scope("mmseg")
    tasks = tuple(cfg.model.get("tasks") or cfg.model.heads)
    assert {metric["task"] for metric in cfg.val_evaluator} == set(tasks)
    for metric in cfg.val_evaluator:
        METRICS.build(metric)
    for loader in (cfg.train_dataloader, cfg.val_dataloader, cfg.test_dataloader):
        dataset = loader.dataset
        for transform in dataset.pipeline:
            TRANSFORMS.build(transform)
        built = DATASETS.build({**dataset, "lazy_init": True})
        described = built.metainfo["tasks"]
        assert set(described) == set(tasks)
        for task in tasks:
            classes = described[task].get("classes")
            if classes is not None:
                assert cfg.model.heads[task].num_classes == len(classes)
    for hook in cfg.default_hooks.values():
        assert HOOKS.build(hook) is not None


@pytest.mark.parametrize("name", OURS)
def test_leaf_configs_are_short(name: str) -> None:
    text = (ROOT / name).read_text()
    if "../swin_cond_nyuv2.py" in text or '"swin_cond_rooms.py"' in text:
        assert len(text.splitlines()) <= 15


def test_schedules_end_with_the_training() -> None:
    for name in OURS:
        cfg = load_config(str(ROOT / name))
        for schedule in cfg.param_scheduler:
            assert schedule["total_steps"] == cfg.train_cfg.max_epochs, name


def test_the_headline_config_is_the_thesis_best_model() -> None:
    cfg = load_config(str(ROOT / "swin_cond_nyuv2.py"))
    init_default_scope("mmseg")
    model = MODELS.build(cfg.model)
    blocks = [block for stage in model.backbone.stages for block in stage.blocks]
    assert [len(stage.blocks) for stage in model.backbone.stages] == [2, 2, 18, 2]
    assert all(block.carries == {"attention"} for block in blocks)
    assert model.task_weights == {"semantic": 5.0, "depth": 1.0}
    assert cfg.optim_wrapper.optimizer.betas == (0.9, 0.98)
    assert cfg.param_scheduler[0].eta_max == 4e-5
    assert cfg.param_scheduler[0].pct_start == 0.1
    assert cfg.train_cfg.max_epochs == 1000


def test_a_config_inherits_from_mmseg_with_the_encoder_swapped() -> None:
    cfg = Config.fromfile(str(ROOT / "mmseg/upernet_cond_swin_ade20k.py"))
    assert cfg.model.backbone.depths == [2, 2, 6, 2]  # from mmseg's file
    assert cfg.model.backbone.type == "CondSwinTransformer"
    assert cfg.model.type == "EncoderDecoder"
