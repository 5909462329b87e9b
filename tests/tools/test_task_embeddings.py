"""Cosines and mixtures of a small conditioned model on a few rooms."""

from __future__ import annotations

import json
from ast import literal_eval
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.registry import init_default_scope
from mmseg.registry import MODELS
from PIL import Image

from mtlplugins.analysis.experiments import experiments
from mtlplugins.apis import load_config
from tests.models._models import perturb, perturb_conditioning
from tests.tools.command import ROOT, load_tool, run_tool

ROOMS = ROOT / "configs/rooms"
SMALL = (
    "test_dataloader.dataset.length=2",
    "test_dataloader.num_workers=0",
    "test_dataloader.persistent_workers=False",
    "model.backbone.depths=(1,1,1,1)",
    "model.backbone.embed_dims=16",
    "model.backbone.num_heads=(1,2,4,8)",
    "model.decoders.semantic.in_channels=(16,32,64,128)",
    "model.decoders.depth.in_channels=(16,32,64,128)",
    "model.heads.scene.in_channels=128",
)
PLAN = "model.backbone.plan.attention=(0,0,1,1)"


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory) -> Path:
    """A checkpoint whose conditioning is no longer the identity."""
    pairs = (option.split("=") for option in (*SMALL, PLAN))
    options = {key: literal_eval(value) for key, value in pairs if key.startswith("model.")}
    cfg = load_config(str(ROOMS / "demo.py"), options)
    init_default_scope("mmseg")
    torch.manual_seed(0)
    model = MODELS.build(cfg.model)
    model.init_weights()
    perturb_conditioning(model)
    perturb(model.task_embedding.parameters(), std=1.0)
    file = tmp_path_factory.mktemp("trained") / "epoch_1.pth"
    torch.save(dict(state_dict=model.state_dict(), meta={}), file)
    return file


@pytest.mark.slow
def test_default_mixtures(checkpoint: Path, tmp_path, monkeypatch, capsys) -> None:
    options = ("--out", tmp_path, "--metrics", "depth/d1", "semantic/aAcc", "--cfg-options")
    arguments = (ROOMS / "demo.py", checkpoint, *options, *SMALL, PLAN)
    run_tool(monkeypatch, "analysis/task_embeddings.py", *arguments)
    result = json.loads((tmp_path / "task_embeddings.json").read_text())
    assert list(result["scores"]) == ["No Weighting", "1-1", "5-1", "10-1", "1-5", "1-10"]
    assert len({scores["depth/abs_err"] for scores in result["scores"].values()}) == 6
    state = torch.load(checkpoint, weights_only=True)["state_dict"]
    vectors = [state[f"task_embedding.vectors.{task}"] for task in ("semantic", "depth")]
    cosine = torch.cosine_similarity(*vectors, dim=0).item()
    np.testing.assert_allclose(result["cosine"], [[1, cosine], [cosine, 1]], atol=1e-6)
    printed = capsys.readouterr().out
    d1 = result["scores"]["5-1"]["depth/d1"]
    accuracy = result["scores"]["5-1"]["semantic/aAcc"]
    assert f"| 5-1 | {d1:.4g} | {accuracy:.4g} |" in printed
    assert f"cosine of semantic and depth: {cosine:.4f}\n" in printed
    assert np.array(Image.open(tmp_path / "task_embeddings.png"))[..., :3].std() > 10


def test_weights_1_0_are_the_unmixed_result(checkpoint: Path, tmp_path, monkeypatch) -> None:
    options = ("--out", tmp_path, "--mixtures", "none", "1-0", "0-2", "--cfg-options")
    arguments = (ROOMS / "demo.py", checkpoint, *options, *SMALL, PLAN)
    run_tool(monkeypatch, "analysis/task_embeddings.py", *arguments)
    own, first, second = json.loads((tmp_path / "task_embeddings.json").read_text())[
        "scores"
    ].values()
    for name, value in own.items():
        same = first if name.startswith("semantic/") else second
        assert same[name] == value, name
    assert first["depth/abs_err"] != own["depth/abs_err"]


@pytest.mark.parametrize("mixture", ["1", "1-2-3", "1-x", ""])
def test_mixtures_of_another_length(mixture: str) -> None:
    parse = load_tool("analysis/task_embeddings.py")["parse_mixture"]
    with pytest.raises(ValueError, match=r"one weight per task.*order semantic-depth, or 'none'"):
        parse(mixture, ("semantic", "depth"))


def test_the_thesis_s_figures_stand_beside_ours() -> None:
    tool = load_tool("analysis/task_embeddings.py")
    scores = {"depth/d1": 0.5, "semantic/mIoU": 25.0}
    result = dict(tasks=["semantic", "depth"], scores={"1-5": scores, "1-2": scores})
    published = experiments()["swin_cond_nyuv2"]["mixtures"]["scores"]
    lines = tool["markdown"](result, list(scores), published).splitlines()
    assert lines[2:] == ["| 1-5 | 0.5 | 0.78 | 25 | 43.8 |", "| 1-2 | 0.5 |  | 25 |  |"]


def test_an_unconditioned_config(checkpoint: Path, tmp_path, monkeypatch) -> None:
    config = ROOMS / "swin_baseline_rooms.py"
    options = ("--out", tmp_path, "--cfg-options", *SMALL)
    with pytest.raises(ValueError, match="this model has no task embeddings"):
        run_tool(monkeypatch, "analysis/task_embeddings.py", config, checkpoint, *options)
