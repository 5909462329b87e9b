"""Budgets of conditional modules: by hand, and against a model that has a task more."""

from __future__ import annotations

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmseg.registry import MODELS

from mtlplugins.analysis.budget import PLAIN, module_budgets, subsets
from mtlplugins.analysis.complexity import model_stats

HEAD = dict(type="ClassificationHead", in_channels=16, num_classes=5)


@pytest.fixture
def cfg() -> Config:
    """A ViT of two blocks of 16 channels with two tasks of an image."""
    backbone = dict(
        type="CondVisionTransformer",
        arch=dict(embed_dims=16, num_layers=2, num_heads=2, feedforward_channels=32),
        img_size=32,
        patch_size=8,
        out_indices=(1,),
        out_type="featmap",
        plan=dict(norm="all", embed_dims=7),
    )
    heads = dict(a=HEAD, b=HEAD)
    return Config(dict(model=dict(type="MultiTaskModel", backbone=backbone, heads=heads)))


def test_low_rank_by_hand(cfg: Config) -> None:
    plain, low_rank = module_budgets(cfg, (32, 32), modules=[PLAIN, "low_rank"]).values()
    # rank 8 for qkv, proj and both of the MLP in two blocks: A, B, and γ from z of 384
    layers = [(16, 48), (16, 16), (16, 32), (32, 16)]
    added = 2 * sum(8 * (i + o) + 8 * (384 + 1) for i, o in layers)
    head = 16 * 5 + 5
    assert plain.params == plain.trainable
    assert low_rank.params - plain.params == added + 2 * 384
    assert low_rank.trainable == added + 2 * 384 + 2 * head
    assert plain.stored == dict(a=head, b=head)
    assert low_rank.stored == dict(a=head + 384, b=head + 384)
    # the encoder runs once for both tasks without a module, and its blocks for each with one
    assert list(low_rank.flops) == subsets("ab") == [("a",), ("b",), ("a", "b")]
    assert plain.flops["a", "b"] == plain.flops[("a",)] + 2 * head - 2 * 5
    tokens = 17
    once = 2 * 2 * tokens * sum(8 * (i + o) for i, o in layers)
    generated = 2 * len(layers) * 2 * 8 * 384
    assert low_rank.flops[("a",)] == plain.flops[("a",)] + once + generated
    patches = 2 * 16 * 16 * 3 * 8**2
    assert low_rank.flops["a", "b"] == 2 * low_rank.flops[("a",)] - patches
    assert low_rank.seconds == {}


def test_a_checkpoint_grows_by_what_is_stored(cfg: Config) -> None:
    budget = module_budgets(cfg, (32, 32), modules=["attention"])["attention"]
    init_default_scope("mmseg")
    cfg.model.backbone.plan = dict(attention="all")
    models = [MODELS.build({**cfg.model, "tasks": tasks}) for tasks in (["a"], ["a", "b"])]
    sizes = [sum(value.numel() for value in model.state_dict().values()) for model in models]
    assert sizes[1] - sizes[0] == budget.stored["b"]


def test_operations_are_those_of_model_stats(cfg: Config) -> None:
    flops = module_budgets(cfg, (32, 32), modules=["norm"])["norm"].flops
    cfg.model.backbone.plan = dict(norm="all")
    assert model_stats(cfg, (32, 32))["flops_by_task"] == {t: flops[(t,)] for t in "ab"}


def test_times_and_threads(cfg: Config) -> None:
    before = torch.get_num_threads()
    budget = module_budgets(cfg, (32, 32), modules=["prompts"], rounds=1)["prompts"]
    assert all(seconds > 0 for seconds in budget.seconds.values())
    assert list(budget.seconds) == list(budget.flops)
    assert torch.get_num_threads() == before


def test_bad_input(cfg: Config) -> None:
    for wrong, message in (
        (dict(size=(0, 32)), "size 0 x 32"),
        (dict(size=(32, 32), rounds=-1), "rounds=-1"),
        (dict(size=(32, 32), modules=["norms"]), "no module 'norms'; known: attention"),
    ):
        with pytest.raises(ValueError, match=message):
            module_budgets(cfg, **wrong)
    cfg.model.backbone = dict(type="ResNet9")
    with pytest.raises(ValueError, match="ResNet9 takes no plan: measure a Cond"):
        module_budgets(cfg, (32, 32))


def test_a_module_that_the_encoder_cannot_carry(cfg: Config) -> None:
    cfg.model.backbone = dict(type="CondResNet", depth=18, base_channels=8, stem_channels=8)
    cfg.model.backbone.out_indices = (3,)
    cfg.model.heads = dict(a=HEAD | dict(in_channels=64))
    found = module_budgets(cfg, (32, 32), modules=["norm", "prompts"])
    assert found["norm"].trainable < found["norm"].params
    assert "no attention that reads prompts" in found["prompts"]
