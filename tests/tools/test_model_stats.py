"""The sizes of the thesis's table 4.2, as worked back for this design: within 1 %."""

from __future__ import annotations

import json

import pytest

from mtlplugins.apis import load_config
from tests.tools.command import ROOT, load_tool, run_tool

CONFIG = str(ROOT / "configs/swin_cond_nyuv2.py")
LAST_8 = (0, 0, 6, 2)
ROWS = {
    "single task": (dict(plan=None), ("semantic",), 55.6, 55.6, 23.6),
    "baseline": (dict(plan=None), None, 62.35, 62.35, 23.6),
    "attention, all": (dict(plan=dict(attention="all")), None, 62.5, 62.5, 23.6),
    "attention, 0-0-6-2": (dict(plan=dict(attention=LAST_8)), None, 62.4, 62.4, 23.6),
    "norm and attention, all": (
        dict(plan=dict(attention="all", layer_norm="all")),
        None,
        76.4,
        76.4,
        23.6,
    ),
    "adapter, norm and attention, all": (
        dict(plan=dict(attention="all", layer_norm="all", adapter="all")),
        None,
        88.0,
        88.0,
        24.8,
    ),
    "frozen encoder": (
        dict(plan=dict(attention=LAST_8, layer_norm=LAST_8, adapter=LAST_8, frozen=True)),
        None,
        None,
        49.0,
        None,
    ),
}


@pytest.mark.parametrize("row", ROWS)
def test_sizes_and_operations(row: str) -> None:
    backbone, tasks, params, trainable, gflops = ROWS[row]
    cfg = load_config(CONFIG)
    cfg.model.backbone.update(backbone)
    cfg.model.tasks = tasks
    stats = load_tool("analysis/model_stats.py")["model_stats"](cfg)
    assert stats["size"] == [224, 224]
    assert stats["trainable"] == pytest.approx(trainable * 1e6, rel=0.01)
    if params is not None:
        assert stats["params"] == pytest.approx(params * 1e6, rel=0.01)
    if gflops is not None:
        assert stats["flops_per_task"] == pytest.approx(gflops * 1e9, rel=0.01)


def test_json_output(monkeypatch, capsys) -> None:
    config = ROOT / "configs/rooms/swin_cond_rooms.py"
    run_tool(monkeypatch, "analysis/model_stats.py", config, "--json", "--size", 64, 64)
    stats = json.loads(capsys.readouterr().out)
    assert stats["params"] == stats["trainable"] > 1e6
    assert set(stats["flops_by_task"]) == {"semantic", "depth", "scene"}
    mean = sum(stats["flops_by_task"].values()) / 3
    assert stats["flops_per_task"] == pytest.approx(mean)
