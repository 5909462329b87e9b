from __future__ import annotations

from importlib import import_module

import pytest
import torch
from torch import nn
from torch.nn.functional import dropout

from tests.models._models import (
    conditional_names,
    images,
    make_condition,
    perturb,
    perturb_conditioning,
)
from tests.models.backbones._vit import PLANS, cond_vit, plain_vit

ROWS = {0: [0, 1], 1: [1], 2: [0, 1]}  # three tasks; the second has no target in image 0


def same_weights(**settings) -> tuple[nn.Module, nn.Module]:
    """mmpretrain's encoder and ours without a plan, with equal weights by name."""
    plain, ours = plain_vit(**settings), cond_vit(**settings)
    perturb(plain.parameters(), std=0.1)
    ours.load_state_dict(plain.state_dict(), strict=True)
    return plain, ours


def assert_maps_close(maps, wanted, **tolerance) -> None:
    assert len(maps) == len(wanted) > 0
    for a, b in zip(maps, wanted, strict=True):
        torch.testing.assert_close(a, b, **tolerance)


@pytest.mark.parametrize(
    ("size", "settings"),
    [
        ((32, 32), {}),
        ((40, 56), {}),
        ((30, 45), dict(interpolate_mode="bilinear")),
        ((32, 32), dict(with_cls_token=False)),
        ((24, 48), dict(with_cls_token=False, out_type="avg_featmap")),
        ((32, 32), dict(out_type="cls_token", out_indices=-1)),
        ((24, 48), dict(out_type="raw", out_indices=[0, -1])),
        ((32, 32), dict(final_norm=False, pre_norm=True, qkv_bias=False)),
        ((24, 40), dict(img_size=(24, 40), in_channels=4, layer_scale_init_value=0.3)),
        ((32, 32), dict(norm_cfg=dict(type="LN", eps=0.1), patch_cfg=dict(stride=4))),
        ((32, 32), dict(layer_cfgs=[dict(act_cfg=dict(type="ReLU")), {}, dict(num_fcs=3), {}])),
        ((32, 32), dict(layer_cfgs=dict(ffn_type="swiglu_fused"))),
        ((32, 32), dict(arch="deit-tiny", patch_size=16, out_indices=[11])),
    ],
    ids=str,
)
def test_parity_with_mmpretrain(size: tuple[int, int], settings: dict):
    plain, ours = same_weights(**settings)
    x = torch.randn(2, settings.get("in_channels", 3), *size)
    with torch.no_grad():
        plain.eval(), ours.eval()
        wanted = plain(x)
        assert_maps_close(ours(x), wanted, rtol=1e-5, atol=1e-5)
    assert wanted[-1].std() > 0.01


@pytest.mark.parametrize(
    ("size", "settings"),
    [
        ((32, 32), {}),
        ((24, 40), dict(with_cls_token=False)),
        ((24, 40), dict(out_type="raw", layer_scale_init_value=0.3)),
    ],
    ids=str,
)
def test_parity_of_gradients_in_double_precision(size: tuple[int, int], settings: dict):
    plain, ours = (m.double() for m in same_weights(**settings))
    gradients = []
    for encoder in (plain, ours):
        x = images(2, size).double().requires_grad_()
        maps = encoder(x)
        # odd weights, for the norms in front make a plain sum constant
        total = sum((m * torch.linspace(-1, 1, m.numel()).view_as(m)).sum() for m in maps)
        total.backward()
        gradients.append({"x": x.grad} | {n: p.grad for n, p in encoder.named_parameters()})
    assert gradients[0].keys() == gradients[1].keys()
    for name, wanted in gradients[0].items():
        torch.testing.assert_close(gradients[1][name], wanted, rtol=1e-8, atol=1e-8, msg=name)


@pytest.mark.parametrize("plan", [None, PLANS["all three"]], ids=["plain", "conditioned"])
def test_parity_of_dropout_and_drop_path(plan: dict | None, monkeypatch: pytest.MonkeyPatch):
    attention = import_module("mtlplugins.models.layers.attention")
    monkeypatch.setattr(attention, "drop", dropout)  # which draws as mmpretrain's does
    settings = dict(
        drop_path_rate=0.5,
        drop_rate=0.1,
        layer_scale_init_value=0.3,
        pre_norm=True,
        layer_cfgs=dict(attn_drop_rate=0.1),
    )
    plain, ours = plain_vit(**settings), cond_vit(plan, **settings)
    perturb(plain.parameters(), std=0.1)
    ours.load_state_dict(plain.state_dict(), strict=plan is None)
    x, every_image = images(4), make_condition({0: range(4)})
    outs = []
    for encoder, *condition in ((plain,), (ours, every_image)):
        encoder.train()
        torch.manual_seed(3)
        outs.append(encoder(x, *condition))
    assert_maps_close(outs[1], outs[0], rtol=1e-5, atol=1e-5)
    rates = [m.drop_prob for m in ours.modules() if type(m).__name__ == "DropPath"]
    assert max(rates) == pytest.approx(0.5)


@pytest.mark.parametrize("settings", [{}, dict(with_cls_token=False), dict(pre_norm=True)], ids=str)
def test_parity_of_initialisation(settings: dict):
    """A fresh encoder is drawn from the same distributions."""
    spreads = []
    for encoder in (plain_vit(**settings), cond_vit(PLANS["attention"], **settings)):
        encoder.init_weights()
        spreads.append({n: p.std().item() for n, p in encoder.named_parameters()})
    for name, spread in spreads[0].items():
        assert spreads[1][name] == pytest.approx(spread, rel=0.4, abs=1e-5), name


@pytest.mark.parametrize("checkpoint", [False, True], ids=["scratch", "checkpoint"])
@pytest.mark.parametrize("plan", PLANS.values(), ids=PLANS)
@pytest.mark.parametrize("size", [(32, 32), (24, 40)], ids=str)
def test_starts_as_the_plain_encoder(plan: dict, checkpoint: bool, size: tuple, tmp_path):
    plain = plain_vit()
    if checkpoint:
        perturb(plain.parameters(), std=0.1)
        state = {f"backbone.{k}": v for k, v in plain.state_dict().items()}
        torch.save(dict(state_dict=state | {"head.fc.bias": torch.zeros(3)}), tmp_path / "vit.pth")
        init_cfg = dict(type="Pretrained", checkpoint=str(tmp_path / "vit.pth"))
        ours = cond_vit(plan, init_cfg=init_cfg)
        perturb_conditioning(ours)  # init_weights undoes it
        ours.init_weights()
    else:
        ours = cond_vit(plan)
        perturb_conditioning(ours)
        ours.init_weights()
        state = ours.state_dict()
        plain.load_state_dict({k: state[k] for k in plain.state_dict()}, strict=True)
    x, condition = images(2, size), make_condition(ROWS)
    with torch.no_grad():
        plain.eval(), ours.eval()
        wanted, maps = plain(x), ours(x, condition)
    shared = ours.shared_maps
    wanted = [*wanted[:shared], *(m[condition.image_index] for m in wanted[shared:])]
    assert_maps_close(maps, wanted, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("settings", [{}, dict(with_cls_token=False)], ids=["class token", "none"])
@pytest.mark.parametrize("plan", PLANS.values(), ids=PLANS)
def test_tasks_differ_but_not_by_their_company(plan: dict, settings: dict):
    encoder = cond_vit(plan, **settings).eval()
    encoder.init_weights()
    perturb_conditioning(encoder)
    x = images(2, (24, 40))
    with torch.no_grad():
        together = encoder(x, make_condition(ROWS))
        alone = encoder(x, make_condition({1: [1]}))
        one_image = encoder(x[1:], make_condition({1: [0], 2: [0]}))
    last = encoder.shared_maps
    for m, a, o in list(zip(together, alone, one_image, strict=True))[last:]:
        assert len(m) == 5
        # task-major rows: (0, 0) (0, 1) (1, 1) (2, 0) (2, 1)
        torch.testing.assert_close(a[0], m[2], rtol=1e-5, atol=1e-5)
        torch.testing.assert_close(o, m[[2, 4]], rtol=1e-5, atol=1e-5)
    m = together[-1]
    assert (m[0] - m[3]).abs().max() > 5e-3  # same image, another task
    assert (m[1] - m[2]).abs().max() > 5e-3
    assert (m[2] - m[4]).abs().max() > 5e-3


@pytest.mark.parametrize(
    ("plan", "images_of_block", "maps"),
    [
        (dict(attention=(1,)), [2, 2, 2, 5], [2, 2, 5]),
        (dict(attention=(1,), norm=(2,)), [2, 2, 5, 5], [2, 5, 5]),
        (dict(adapter=(3,)), [2, 5, 5, 5], [5, 5, 5]),
        (dict(adapter="all"), [5, 5, 5, 5], [5, 5, 5]),
        ({}, [2, 2, 2, 2], [2, 2, 2]),
        (None, [2, 2, 2, 2], [2, 2, 2]),
    ],
)
def test_images_are_encoded_once_up_to_the_branch_point(
    plan: dict | None, images_of_block: list[int], maps: list[int]
):
    encoder = cond_vit(plan).eval()
    seen: list[int] = []
    for block in encoder.layers:
        block.register_forward_hook(lambda _, args, out: seen.append(len(out)))
    with torch.no_grad():
        out = encoder(images(2), make_condition(ROWS))
    assert seen == images_of_block  # in order, so each block ran once
    assert [len(m) for m in out] == maps
    assert encoder.shared_maps == maps.count(2)
    assert encoder.task_embed_dims == (8 if 5 in maps else None)


def test_a_conditioned_encoder_keeps_mmpretrain_s_names():
    encoder = cond_vit(PLANS["last blocks"])
    added = set(encoder.state_dict()) - set(plain_vit().state_dict())
    assert set(plain_vit().state_dict()) <= set(encoder.state_dict())
    assert added == conditional_names(encoder)
    # an attention of 3 tensors, 2 · 2 norms of 2, an adapter of 8
    assert len(added) == 3 + 4 * 2 + 8
    # blocks of one row of the 4 x 4 patches, or as asked
    assert encoder.layers[3].conditional_attention.blocks.shape == (4, 4, 4)
    encoder = cond_vit(PLANS["attention"], attention_block_size=6)
    assert encoder.layers[0].conditional_attention.blocks.shape == (3, 6, 6)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (dict(plan=dict(attention=(5,))), r"plan\.attention=\(5,\).*has 4 blocks"),
        (dict(plan=dict(attention=(1, 1))), r"has 2 numbers.*1 stages of \(4,\) blocks"),
        (dict(arch="vit-b"), r"arch='vit-b': give a dict or one of s, small, b, base"),
        (dict(arch=dict(embed_dims=8, num_heads=2)), r"lacks num_layers, feedforward_channels"),
        (dict(out_indices=(1, 4)), r"out_indices=\(1, 4\): give blocks, 0 to 3"),
        (dict(out_indices=-5), r"out_indices=-5: give blocks, 0 to 3"),
        (dict(out_type="map"), r"out_type"),
    ],
)
def test_wrong_settings(settings: dict, message: str):
    with pytest.raises(ValueError, match=message):
        cond_vit(**settings)


def test_a_plan_needs_a_condition():
    with pytest.raises(ValueError, match=r"this CondVisionTransformer has a plan.*condition"):
        cond_vit(PLANS["attention"])(images(1))


def trained_names(encoder: nn.Module) -> set[str]:
    return {n for n, p in encoder.named_parameters() if p.requires_grad}


def test_frozen_encoder_trains_conditional_modules_and_their_attention_blocks():
    plan = dict(attention=(1,), norm=(1,), adapter=(2,), frozen=True)
    encoder = cond_vit(plan, drop_path_rate=0.3, drop_rate=0.1)
    trained = ("layers.3.", "layers.2.conditional_adapter.")
    wanted = {n for n, _ in encoder.named_parameters() if n.startswith(trained)}
    for _ in range(2):  # also after another change of mode
        assert trained_names(encoder) == wanted
        assert encoder.train() is encoder
        training = {n for n, m in encoder.named_modules() if m.training}
        assert training == {n for n, _ in encoder.named_modules() if f"{n}.".startswith(trained)}
        assert encoder.eval() is encoder
        assert not any(m.training for m in encoder.modules())


@pytest.mark.parametrize("frozen_stages", [-1, 0, 2, 4])
def test_frozen_stages_as_in_mmpretrain(frozen_stages: int):
    plain = plain_vit(frozen_stages=frozen_stages, pre_norm=True)
    ours = cond_vit(frozen_stages=frozen_stages, pre_norm=True)
    assert trained_names(ours) == trained_names(plain)
    modes = [{n: m.training for n, m in e.named_modules()} for e in (plain, ours)]
    assert modes[0] == modes[1]
    ours.train()  # where mmpretrain's forgets what is frozen
    assert {n: m.training for n, m in ours.named_modules()} == modes[0]
    assert all(not m.training for m in ours.layers[: max(frozen_stages, 0)])
