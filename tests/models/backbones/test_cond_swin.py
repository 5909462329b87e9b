from __future__ import annotations

from importlib import import_module

import pytest
import torch
from mmseg.models.segmentors import EncoderDecoder
from mmseg.registry import MODELS
from torch import Tensor, nn
from torch.nn.functional import dropout

from mtlplugins.models.conditioning import conditional_modules
from tests.models._models import (
    PLANS,
    SWIN,
    cond_swin,
    conditional_names,
    images,
    make_condition,
    perturb,
    perturb_conditioning,
    plain_swin,
)

ROWS = {0: [0, 1], 1: [1], 2: [0, 1]}  # three tasks; the second has no target in image 0


def assert_maps_close(maps, wanted, **tolerance) -> None:
    assert len(maps) == len(wanted) > 0
    for a, b in zip(maps, wanted, strict=True):
        torch.testing.assert_close(a, b, **tolerance)


def same_weights(**settings) -> tuple[nn.Module, nn.Module]:
    """mmseg's encoder and ours without a plan, with equal weights by name."""
    plain, ours = plain_swin(**settings), cond_swin(**settings)
    plain.init_weights()
    perturb(plain.parameters(), std=0.1)
    ours.load_state_dict(plain.state_dict(), strict=True)
    return plain, ours


@pytest.mark.parametrize(
    ("size", "settings"),
    [
        ((64, 64), {}),
        ((48, 80), {}),
        ((52, 76), {}),
        ((30, 45), {}),
        ((32, 64), dict(window_size=7)),
        ((56, 28), dict(window_size=7)),
        ((64, 64), dict(out_indices=(1, 3), qkv_bias=False, patch_norm=False, qk_scale=0.3)),
        ((64, 64), dict(use_abs_pos_embed=True, pretrain_img_size=64, mlp_ratio=2)),
        (
            (32, 32),
            dict(in_channels=4, act_cfg=dict(type="ReLU"), norm_cfg=dict(type="LN", eps=0.1)),
        ),
    ],
)
def test_parity_with_mmseg(size: tuple[int, int], settings: dict):
    plain, ours = same_weights(**settings)
    x = torch.randn(2, settings.get("in_channels", 3), *size)
    with torch.no_grad():
        wanted = plain.eval() or plain(x)  # mmseg's eval() returns None
        assert_maps_close(ours.eval()(x), wanted, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("size", [(32, 32), (20, 28)])
def test_parity_of_gradients_in_double_precision(size: tuple[int, int]):
    plain, ours = (m.double() for m in same_weights())
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
        torch.testing.assert_close(gradients[1][name], wanted, rtol=1e-10, atol=1e-10, msg=name)


def test_parity_of_dropout_and_drop_path(monkeypatch: pytest.MonkeyPatch):
    attention = import_module("mtlplugins.models.layers.attention")
    monkeypatch.setattr(attention, "drop", dropout)  # which draws as mmseg's does
    plain, ours = same_weights(drop_path_rate=0.5, drop_rate=0.1, attn_drop_rate=0.1)
    rates = [
        [m.drop_prob for m in encoder.modules() if type(m).__name__ == "DropPath"]
        for encoder in (plain, ours)
    ]
    assert max(rates[0]) == pytest.approx(0.5)
    assert rates[1] == pytest.approx(rates[0])
    x = images(4)[..., :20, :20]  # never whole windows: tokens lie row by row, as mmseg's
    outs = []
    for encoder in (plain, ours):
        encoder.train()
        torch.manual_seed(3)
        outs.append(encoder(x))
    assert_maps_close(outs[1], outs[0], rtol=1e-5, atol=1e-5)


def test_drop_in_for_mmseg_encoder_decoder():
    config = dict(
        type="EncoderDecoder",
        backbone=dict(type="SwinTransformer", **SWIN),
        decode_head=dict(
            type="FCNHead",
            in_channels=128,
            in_index=3,
            channels=8,
            num_convs=1,
            num_classes=5,
            norm_cfg=dict(type="BN"),
        ),
        test_cfg=dict(mode="whole"),
    )
    theirs: EncoderDecoder = MODELS.build(config)
    theirs.init_weights()
    swapped = config | dict(backbone=config["backbone"] | dict(type="CondSwinTransformer"))
    ours = MODELS.build(swapped)
    ours.load_state_dict(theirs.state_dict(), strict=True)
    x = images(2, (64, 64))
    theirs.eval(), ours.eval()
    with torch.no_grad():
        wanted = theirs(x, mode="tensor")
        assert wanted.std() > 0.01
        torch.testing.assert_close(ours(x, mode="tensor"), wanted, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("checkpoint", [False, True], ids=["scratch", "checkpoint"])
@pytest.mark.parametrize("plan", PLANS.values(), ids=PLANS)
def test_starts_as_the_plain_encoder(plan: dict, checkpoint: bool, tmp_path):
    plain = plain_swin()
    if checkpoint:
        perturb(plain.parameters(), std=0.1)
        torch.save(plain.state_dict(), tmp_path / "swin.pth")
        init_cfg = dict(type="Pretrained", checkpoint=str(tmp_path / "swin.pth"))
        ours = cond_swin(plan, init_cfg=init_cfg)
        perturb_conditioning(ours)  # init_weights undoes it
        ours.init_weights()
    else:
        ours = cond_swin(plan)
        perturb_conditioning(ours)
        ours.init_weights()
        state = ours.state_dict()
        plain.load_state_dict({k: state[k] for k in plain.state_dict()}, strict=True)
        assert (state["stages.0.blocks.0.ffn.layers.1.weight"]).std().item() < 0.03
    assert conditional_names(ours)
    x, condition = images(2, (20, 32)), make_condition(ROWS)
    with torch.no_grad():
        wanted = plain.eval() or plain(x)
        maps = ours.eval()(x, condition)
    shared = ours.shared_maps
    assert_maps_close(
        maps[shared:], [m[condition.image_index] for m in wanted[shared:]], rtol=1e-5, atol=1e-5
    )
    if shared:
        assert_maps_close(maps[:shared], wanted[:shared], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("plan", PLANS.values(), ids=PLANS)
def test_tasks_differ_but_not_by_their_company(plan: dict):
    encoder = cond_swin(plan).eval()
    encoder.init_weights()
    perturb_conditioning(encoder)
    x = images(2, (20, 32))
    with torch.no_grad():
        together = encoder(x, make_condition(ROWS))
        equal_counts = encoder(x, make_condition({0: [0, 1], 1: [0, 1], 2: [0, 1]}))
        alone = encoder(x, make_condition({1: [1]}))
        one_image = encoder(x[1:], make_condition({1: [0], 2: [0]}))
    last = encoder.shared_maps
    for m, e, a, o in list(zip(together, equal_counts, alone, one_image, strict=True))[last:]:
        assert len(m) == 5
        # task-major rows: (0, 0) (0, 1) (1, 1) (2, 0) (2, 1)
        torch.testing.assert_close(a[0], m[2], rtol=1e-5, atol=1e-5)
        torch.testing.assert_close(o, m[[2, 4]], rtol=1e-5, atol=1e-5)
        torch.testing.assert_close(e[[0, 1, 3, 4, 5]], m, rtol=1e-5, atol=1e-5)
    m = together[-1]
    assert (m[0] - m[3]).abs().max() > 1e-2  # same image, another task
    assert (m[1] - m[2]).abs().max() > 1e-2
    assert (m[2] - m[4]).abs().max() > 1e-2


@pytest.mark.parametrize(
    ("plan", "images_of_block", "maps"),
    [
        (dict(attention=(0, 0, 1, 1)), [2, 2, 2, 2, 5, 5], [2, 2, 5, 5]),
        (dict(norm=(0, 1, 0, 0)), [2, 2, 5, 5, 5, 5], [2, 5, 5, 5]),
        (dict(adapter=(0, 0, 0, 1)), [2, 2, 2, 2, 2, 5], [2, 2, 2, 5]),
        (dict(adapter="all"), [5, 5, 5, 5, 5, 5], [5, 5, 5, 5]),
        ({}, [2, 2, 2, 2, 2, 2], [2, 2, 2, 2]),
        (None, [2, 2, 2, 2, 2, 2], [2, 2, 2, 2]),
    ],
)
def test_images_are_encoded_once_up_to_the_branch_point(
    plan: dict | None, images_of_block: list[int], maps: list[int]
):
    encoder = cond_swin(plan).eval()
    seen: list[int] = []
    blocks = [block for stage in encoder.stages for block in stage.blocks]
    for block in blocks:
        block.register_forward_hook(lambda _, args, out: seen.append(len(out)))
    with torch.no_grad():
        out = encoder(images(2), make_condition(ROWS))
    assert seen == images_of_block  # in order, so each block ran once
    assert [len(m) for m in out] == maps
    assert encoder.shared_maps == maps.count(2)
    assert encoder.task_embed_dims == (8 if 5 in maps else None)


def test_shared_maps_counts_maps_and_not_stages():
    encoder = cond_swin(dict(attention=(0, 0, 0, 1)), out_indices=(1, 3)).eval()
    with torch.no_grad():
        out = encoder(images(2), make_condition(ROWS))
    assert [len(m) for m in out] == [2, 5]
    assert encoder.shared_maps == 1


def test_a_conditioned_encoder_keeps_mmseg_s_names():
    encoder = cond_swin(PLANS["last blocks"])
    added = set(encoder.state_dict()) - set(plain_swin().state_dict())
    assert set(plain_swin().state_dict()) <= set(encoder.state_dict())
    assert added == conditional_names(encoder)
    # 2 attentions of 3 tensors, 3 · 2 norms of 2, an adapter of 8
    assert len(added) == 2 * 3 + 6 * 2 + 8


def test_a_plan_needs_a_condition():
    with pytest.raises(ValueError, match=r"has a plan.*condition.*leave the plan out"):
        cond_swin(PLANS["attention"])(images(1))
    with pytest.raises(ValueError, match=r"plan\.attention=.*stage 2 has 1 blocks"):
        cond_swin(dict(attention=(0, 2, 0, 0)))


def train_names(encoder: nn.Module) -> set[str]:
    return {n for n, p in encoder.named_parameters() if p.requires_grad}


def test_frozen_encoder_trains_conditional_modules_and_their_attention_blocks():
    plan = dict(attention=(0, 0, 1, 1), norm=(0, 0, 1, 1), adapter=(0, 1, 1, 1), frozen=True)
    encoder = cond_swin(plan, drop_path_rate=0.3, drop_rate=0.1)
    names = [n for n, _ in encoder.named_parameters()]
    trained = ("stages.2.blocks.1.", "stages.3.blocks.0.", "stages.1.blocks.0.conditional_adapter.")
    wanted = {n for n in names if n.startswith(trained)}
    for _ in range(2):  # also after another change of mode
        assert train_names(encoder) == wanted
        assert encoder.train() is encoder
        training = {n for n, m in encoder.named_modules() if m.training}
        assert training == {n for n, _ in encoder.named_modules() if f"{n}.".startswith(trained)}
        assert encoder.eval() is encoder
        assert not any(m.training for m in encoder.modules())


def test_frozen_encoder_without_conditions_trains_nothing():
    assert train_names(cond_swin(dict(frozen=True))) == set()


def test_frozen_stages_as_in_mmseg():
    plain, ours = plain_swin(frozen_stages=2), cond_swin(frozen_stages=2)
    plain.train(), ours.train()
    assert train_names(ours) == train_names(plain)
    assert "stages.2.blocks.0.norm1.weight" in train_names(ours)
    modes = [{n: m.training for n, m in e.named_modules()} for e in (plain, ours)]
    assert modes[0] == modes[1]


@pytest.mark.parametrize("plan", [None, PLANS["last blocks"]], ids=["plain", "conditioned"])
def test_recomputing_changes_nothing(plan: dict | None):
    outs, gradients = [], []
    x = images(2, (20, 32))
    for with_cp in (False, True):
        torch.manual_seed(0)
        encoder = cond_swin(plan, with_cp=with_cp, drop_path_rate=0.4)
        perturb(encoder.parameters())
        torch.manual_seed(1)
        maps = encoder(x, make_condition(ROWS))
        sum((m * torch.linspace(-1, 1, m.numel()).view_as(m)).sum() for m in maps).backward()
        outs.append(maps)
        gradients.append([p.grad for p in encoder.parameters()])
    assert_maps_close(outs[1], outs[0])
    assert all(g is not None for g in gradients[0])
    assert_maps_close(gradients[1], gradients[0])


def test_recomputing_runs_blocks_twice():
    encoder = cond_swin(with_cp=True)
    calls: list[Tensor] = []
    encoder.stages[0].blocks[0].norm1.register_forward_hook(lambda *_: calls.append(1))
    encoder(images(1))[-1].sum().backward()
    assert len(calls) == 2


def test_thesis_settings_share_the_prefix():
    encoder = cond_swin(dict(attention=(0, 0, 6, 2)), depths=(2, 2, 18, 2))
    carriers = [b.carries for stage in encoder.stages for b in stage.blocks]
    assert carriers == [frozenset()] * 16 + [frozenset({"attention"})] * 8
    assert len(conditional_modules(encoder)) == 8
