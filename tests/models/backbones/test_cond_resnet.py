from __future__ import annotations

from dataclasses import replace

import pytest
import torch
import torchvision
from mmseg.models.backbones import ResNet, ResNetV1c, ResNetV1d
from mmseg.registry import MODELS
from torch import nn
from torch.nn import functional as F

from mtlplugins.models import CondResNet
from mtlplugins.models.conditioning import Condition, conditional_modules
from mtlplugins.models.layers import CondBasicBlock
from tests.models._models import (
    conditional_names,
    images,
    make_condition,
    make_model,
    make_sample,
    perturb,
    perturb_conditioning,
)

SMALL = dict(stem_channels=8, base_channels=4)
ROWS = {0: [0, 1], 1: [1], 2: [0, 1]}  # three tasks; the second has no target in image 0
PLANS = {
    "norm": dict(norm="all"),
    "adapter": dict(adapter="all"),
    "both": dict(norm="all", adapter="all"),
    "last blocks": dict(norm=(0, 1, 1, 2), adapter=(0, 0, 2, 1)),
}
DEEP = dict(deep_stem=True)
KINDS = {
    "ResNet": (ResNet, {}),
    "V1c": (ResNetV1c, DEEP),
    "V1d": (ResNetV1d, DEEP | dict(avg_down=True)),
}
CONTEXT = dict(cfg=dict(type="ContextBlock", ratio=0.25), position="after_conv2")


def cond_resnet(plan: dict | None = None, depth: int = 18, **settings) -> CondResNet:
    if plan is not None:
        plan = dict(embed_dims=8) | plan
    return CondResNet(depth, **SMALL | settings, plan=plan)


def shake(encoder: nn.Module) -> None:
    """Move weights, and batch statistics, away from their start."""
    perturb(encoder.parameters(), std=0.1)
    statistics = [(n, b) for n, b in encoder.named_buffers() if b.is_floating_point()]
    perturb(b for n, b in statistics if n.endswith("mean"))
    with torch.no_grad():
        for n, b in statistics:
            if n.endswith("var"):
                b.uniform_(0.5, 1.5)


def same_weights(kind: str = "ResNet", depth: int = 18, **settings) -> tuple[nn.Module, nn.Module]:
    """mmseg's encoder and ours without a plan, with equal weights by name."""
    original, stem = KINDS[kind]
    plain = original(depth=depth, **SMALL | settings)
    ours = cond_resnet(depth=depth, **stem | settings)
    plain.init_weights()
    shake(plain)
    ours.load_state_dict(plain.state_dict(), strict=True)
    return plain, ours


def assert_maps_close(maps, wanted, **tolerance) -> None:
    assert len(maps) == len(wanted) > 0
    for a, b in zip(maps, wanted, strict=True):
        torch.testing.assert_close(a, b, **tolerance)


@pytest.mark.parametrize(
    ("kind", "depth", "settings"),
    [
        *[("ResNet", depth, {}) for depth in (18, 34, 50, 101, 152)],
        *[(kind, depth, {}) for kind in ("V1c", "V1d") for depth in (18, 50)],
        ("V1c", 50, dict(dilations=(1, 1, 2, 4), strides=(1, 2, 1, 1), multi_grid=(1, 2, 4))),
        ("V1c", 50, dict(dilations=(1, 1, 2, 4), strides=(1, 2, 1, 1), contract_dilation=True)),
        ("ResNet", 50, dict(style="caffe", out_indices=(1, 2), num_stages=3, strides=(1, 2, 2),
                            dilations=(1, 1, 1))),
        ("ResNet", 50, dict(plugins=[CONTEXT], norm_cfg=dict(type="GN", num_groups=2))),
    ],
)  # fmt: skip
def test_parity_with_mmseg(kind: str, depth: int, settings: dict):
    plain, ours = same_weights(kind, depth, **settings)
    x = images(2, (33, 46))
    with torch.no_grad():
        wanted = plain.eval() or plain(x)  # mmseg's eval() returns None
        assert_maps_close(ours.eval()(x), wanted, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("depth", [18, 50])
@pytest.mark.parametrize("kind", KINDS)
def test_parity_of_training_in_double_precision(kind: str, depth: int):
    """Gradients, and the statistics that batch norms collect."""
    found = []
    for encoder in same_weights(kind, depth):
        encoder.double().train()
        x = images(3, (32, 40)).double().requires_grad_()
        sum((m * torch.linspace(-1, 1, m.numel()).view_as(m)).sum() for m in encoder(x)).backward()
        gradients = {f"grad of {n}": p.grad for n, p in encoder.named_parameters()}
        found.append({"x": x.grad} | gradients | dict(encoder.named_buffers()))
    assert found[0].keys() == found[1].keys()
    assert any("running_var" in name for name in found[0])
    for name, wanted in found[0].items():
        torch.testing.assert_close(found[1][name], wanted, rtol=1e-10, atol=1e-10, msg=name)


@pytest.mark.parametrize("depth", [18, 50])
@pytest.mark.parametrize("zero_init_residual", [True, False])
def test_initialised_as_mmseg_s(depth: int, zero_init_residual: bool):
    states = []
    for kind in (ResNetV1c, lambda depth, **s: cond_resnet(depth=depth, **DEEP | s)):
        torch.manual_seed(0)
        encoder = kind(depth=depth, **SMALL, zero_init_residual=zero_init_residual)
        encoder.init_weights()
        states.append(encoder.state_dict())
    assert [*states[0]] == [*states[1]]
    for name, wanted in states[0].items():
        assert torch.equal(states[1][name], wanted), name
    last = "bn2" if depth == 18 else "bn3"
    assert (states[1][f"layer1.0.{last}.weight"] == (not zero_init_residual)).all()


def test_drop_in_for_mmseg_encoder_decoder():
    head = dict(type="FCNHead", in_channels=32, channels=8, num_convs=1, num_classes=5)
    config = dict(
        type="EncoderDecoder",
        pretrained=None,
        backbone=dict(type="ResNetV1c", depth=18, norm_eval=False, style="pytorch", **SMALL),
        decode_head=head | dict(norm_cfg=dict(type="BN")),
        test_cfg=dict(mode="whole"),
    )
    theirs = MODELS.build(config)
    theirs.init_weights()
    shake(theirs)
    backbone = config["backbone"] | dict(type="CondResNet", **DEEP)
    ours = MODELS.build(config | dict(backbone=backbone))
    ours.load_state_dict(theirs.state_dict(), strict=True)
    x = images(2)
    theirs.eval(), ours.eval()
    with torch.no_grad():
        wanted = theirs(x, mode="tensor")
        assert wanted.std() > 0.01
        torch.testing.assert_close(ours(x, mode="tensor"), wanted, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("argument", ["init_cfg", "pretrained"])
def test_loads_torchvision_s_checkpoints(argument: str, tmp_path):
    original = torchvision.models.resnet18()
    shake(original)
    # the older of its files do not count batches
    state = {k: v for k, v in original.state_dict().items() if "num_batches" not in k}
    torch.save(state, tmp_path / "resnet.pth")
    file = str(tmp_path / "resnet.pth")
    source = file if argument == "pretrained" else dict(type="Pretrained", checkpoint=file)
    ours = CondResNet(18, plan=dict(norm=(0, 0, 0, 1), embed_dims=8), **{argument: source})
    ours.init_weights()
    # in float64: layouts in memory differ, and so does float32's rounding
    x, condition = images(1).double(), make_condition({0: [0]})
    condition = replace(condition, z=condition.z.double())
    with torch.no_grad():
        original.double().eval(), ours.double().eval()
        stem = original.maxpool(original.relu(original.bn1(original.conv1(x))))
        wanted = [original.layer1(stem)]
        for layer in (original.layer2, original.layer3, original.layer4):
            wanted.append(layer(wanted[-1]))
        assert_maps_close(ours(x, condition), wanted, rtol=1e-10, atol=1e-10)


def test_a_checkpoint_of_another_depth(tmp_path):
    torch.save(cond_resnet(depth=34).state_dict(), tmp_path / "resnet.pth")
    encoder = cond_resnet(depth=50, pretrained=str(tmp_path / "resnet.pth"))
    with pytest.raises(ValueError, match="another architecture than this CondResNet"):
        encoder.init_weights()


@pytest.mark.parametrize("checkpoint", [False, True], ids=["scratch", "checkpoint"])
@pytest.mark.parametrize("plan", PLANS.values(), ids=PLANS)
def test_starts_as_the_plain_encoder(plan: dict, checkpoint: bool, tmp_path):
    plain = ResNetV1c(depth=18, **SMALL)
    if checkpoint:
        shake(plain)
        torch.save(plain.state_dict(), tmp_path / "resnet.pth")
        init_cfg = dict(type="Pretrained", checkpoint=str(tmp_path / "resnet.pth"))
        ours = cond_resnet(plan, **DEEP, init_cfg=init_cfg)
        perturb_conditioning(ours)  # init_weights undoes it
        ours.init_weights()
    else:
        ours = cond_resnet(plan, **DEEP)
        perturb_conditioning(ours)
        ours.init_weights()
        state = ours.state_dict()
        plain.load_state_dict({k: state[k] for k in plain.state_dict()}, strict=True)
    assert set(ours.state_dict()) - set(plain.state_dict()) == conditional_names(ours) != set()
    x, condition = images(2, (37, 64)), make_condition(ROWS)
    with torch.no_grad():
        wanted = plain.eval() or plain(x)
        maps = ours.eval()(x, condition)
    shared = ours.shared_maps
    if shared:
        assert_maps_close(maps[:shared], wanted[:shared], rtol=1e-5, atol=1e-5)
    assert_maps_close(
        maps[shared:], [m[condition.image_index] for m in wanted[shared:]], rtol=1e-5, atol=1e-5
    )


@pytest.mark.parametrize("stride", [1, 2])
def test_formula_of_a_block(stride: int):
    """FiLM after each norm, the adapter on the shortcut and outside the last ReLU."""
    shortcut = None
    if stride == 2:
        shortcut = nn.Sequential(nn.Conv2d(6, 6, 1, stride=2, bias=False), nn.BatchNorm2d(6))
    block = CondBasicBlock(6, 6, stride=stride, downsample=shortcut).eval()
    block.attach(dict(norm={}, adapter={}), embed_dims=8)
    shake(block)
    perturb_conditioning(block)
    condition = make_condition({2: [0], 5: [0, 1]})
    x = torch.randn(3, 6, 6, 8)
    with torch.no_grad():
        out = block(x, condition)
        assert out.min() < 0
        for row, task in enumerate([0, 1, 1]):
            z, v = condition.z[task], x[row : row + 1]
            y = F.conv2d(v, block.conv1.weight, stride=stride, padding=1)
            deltas = block.conditional_norm1.film.generator(z)[:, None, None]
            y = ((1 + deltas[:6]) * block.bn1(y) + deltas[6:]).clamp(min=0)
            y = F.conv2d(y, block.conv2.weight, padding=1)
            deltas = block.conditional_norm2.film.generator(z)[:, None, None]
            y = (1 + deltas[:6]) * block.bn2(y) + deltas[6:]
            v = v if shortcut is None else shortcut(v)
            y = (y + v).clamp(min=0)
            alone = make_condition({(2, 5)[task]: [0]})
            for pixel in [(0, 0), (2, 1), (1, 3)]:
                token = v[:, None, :, pixel[0], pixel[1]]  # (1, 1, C)
                wanted = y[0, :, pixel[0], pixel[1]] + block.conditional_adapter(token, alone)[0, 0]
                torch.testing.assert_close(out[row, :, pixel[0], pixel[1]], wanted)


@pytest.mark.parametrize("plan", PLANS.values(), ids=PLANS)
def test_tasks_differ_but_not_by_their_company(plan: dict):
    def condition(rows: dict) -> Condition:
        made = make_condition(rows)
        return replace(made, z=made.z.double())

    encoder = cond_resnet(plan)
    encoder.init_weights()
    shake(encoder)
    perturb_conditioning(encoder)
    encoder.double().eval()  # drawn adapters let the maps grow from block to block
    x = images(2).double()
    with torch.no_grad():
        together = encoder(x, condition(ROWS))
        alone = encoder(x, condition({1: [1]}))
        one_image = encoder(x[1:], condition({1: [0], 2: [0]}))
    last = encoder.shared_maps
    for m, a, o in list(zip(together, alone, one_image, strict=True))[last:]:
        assert len(m) == 5
        # task-major rows: (0, 0) (0, 1) (1, 1) (2, 0) (2, 1)
        torch.testing.assert_close(a[0], m[2], rtol=1e-9, atol=1e-9)
        torch.testing.assert_close(o, m[[2, 4]], rtol=1e-9, atol=1e-9)
    m = together[-1]
    assert (m[0] - m[3]).abs().max() > 1e-2  # same image, another task
    assert (m[2] - m[4]).abs().max() > 1e-2


@pytest.mark.parametrize(
    ("plan", "images_of_block", "maps"),
    [
        (dict(norm=(0, 0, 1, 2)), [2, 2, 2, 2, 2, 5, 5, 5], [2, 2, 5, 5]),
        (dict(adapter=(0, 1, 0, 0)), [2, 2, 2, 5, 5, 5, 5, 5], [2, 5, 5, 5]),
        (dict(norm=(0, 0, 0, 1), adapter="all"), [5] * 8, [5, 5, 5, 5]),
        ({}, [2] * 8, [2, 2, 2, 2]),
        (None, [2] * 8, [2, 2, 2, 2]),
    ],
)
def test_images_are_encoded_once_up_to_the_branch_point(
    plan: dict | None, images_of_block: list[int], maps: list[int]
):
    encoder = cond_resnet(plan).eval()
    seen: list[int] = []
    for name in encoder.res_layers:
        for block in getattr(encoder, name):
            block.register_forward_hook(lambda _, args, out: seen.append(len(out)))
    with torch.no_grad():
        out = encoder(images(2), make_condition(ROWS))
    assert seen == images_of_block  # in order, so each block ran once
    assert [len(m) for m in out] == maps
    assert encoder.shared_maps == maps.count(2)
    assert encoder.task_embed_dims == (8 if 5 in maps else None)


def test_batch_statistics_after_the_branch_point_are_of_the_rows():
    encoder = cond_resnet(dict(norm=(0, 2, 0, 0)), zero_init_residual=False)
    encoder.init_weights()
    x = images(2)
    inputs: list[torch.Tensor] = []
    encoder.layer2[0].conv1.register_forward_hook(lambda _, args, out: inputs.append(out))
    encoder.train()(x, make_condition(ROWS))
    rows = inputs[0]
    assert len(rows) == 5
    assert torch.equal(rows[1], rows[2])  # image 1 for tasks 0 and 1
    torch.testing.assert_close(encoder.layer2[0].bn1.running_mean, 0.1 * rows.mean(dim=(0, 2, 3)))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (dict(depth=20), r"depth=20: give one of 18, 34, 50, 101, 152"),
        (
            dict(plan=dict(attention=(0, 0, 1, 0))),
            r"plan\.attention=\(0, 0, 1, 0\).*no attention.*plan\.norm.*CondSwin",
        ),
        (
            dict(plan=dict(norm="all", norm_from_scratch=True)),
            "norm_from_scratch is for LayerNorm",
        ),
        (dict(plan=dict(adapter=(0, 0, 3, 0))), r"plan\.adapter=.*stage 3 has 2 blocks"),
        (dict(pretrained="a.pth", init_cfg=dict(checkpoint="b.pth")), "not both"),
    ],
)
def test_errors(arguments: dict, message: str):
    with pytest.raises(ValueError, match=message):
        cond_resnet(**arguments)


def test_a_plan_needs_a_condition():
    with pytest.raises(ValueError, match=r"CondResNet has a plan.*condition.*leave the plan out"):
        cond_resnet(PLANS["adapter"])(images(1))


def train_names(encoder: nn.Module) -> set[str]:
    return {n for n, p in encoder.named_parameters() if p.requires_grad}


def test_frozen_encoder_trains_conditional_modules_and_keeps_its_statistics():
    encoder = cond_resnet(dict(norm=(0, 0, 1, 2), adapter=(0, 1, 0, 1), frozen=True))
    for _ in range(2):  # also after another change of mode
        assert train_names(encoder) == conditional_names(encoder) != set()
        assert encoder.train() is encoder
        assert not any(m.training for m in encoder.modules() if isinstance(m, nn.BatchNorm2d))
        assert all(m.training for m in conditional_modules(encoder))
        before = {n: b.clone() for n, b in encoder.named_buffers()}
        encoder(images(2), make_condition(ROWS))[-1].sum().backward()
        assert all(torch.equal(b, before[n]) for n, b in encoder.named_buffers())
        assert encoder.eval() is encoder


@pytest.mark.parametrize("settings", [dict(frozen_stages=2), dict(norm_eval=True)])
@pytest.mark.parametrize("kind", ["ResNet", "V1c"])
def test_freezing_as_in_mmseg(kind: str, settings: dict):
    plain, ours = same_weights(kind, **settings)
    plain.train(), ours.train()
    assert train_names(ours) == train_names(plain)
    modes = [{n: m.training for n, m in e.named_modules()} for e in (plain, ours)]
    assert modes[0] == modes[1]
    assert not all(modes[0].values())


@pytest.mark.parametrize("plan", [None, PLANS["both"]], ids=["plain", "conditioned"])
def test_recomputing_changes_nothing(plan: dict | None):
    outs, gradients, calls = [], [], []
    x = images(2)
    for with_cp in (False, True):
        torch.manual_seed(0)
        encoder = cond_resnet(plan, with_cp=with_cp)
        shake(encoder)
        encoder.layer3[1].conv1.register_forward_hook(lambda *_: calls.append(1))
        maps = encoder(x, make_condition(ROWS))
        sum((m * torch.linspace(-1, 1, m.numel()).view_as(m)).sum() for m in maps).backward()
        outs.append(maps)
        gradients.append([p.grad for p in encoder.parameters()])
    assert_maps_close(outs[1], outs[0])
    assert all(g is not None for g in gradients[0])
    assert_maps_close(gradients[1], gradients[0])
    assert len(calls) == 1 + 2


@pytest.mark.parametrize("depth", [18, 50])
def test_trains_and_predicts_in_a_model(depth: int):
    channels = tuple((4 if depth == 50 else 1) * 4 * 2**i for i in range(4))
    decoder = dict(type="ConvUNetDecoder", in_channels=channels, channels=(6, 6, 6))
    plan = dict(norm="all", adapter=(0, 0, 1, 2), embed_dims=8)
    model = make_model(
        backbone=dict(type="CondResNet", depth=depth, **SMALL, plan=plan),
        decoders=dict(semantic=decoder, depth=decoder),
        heads=dict(
            semantic=dict(type="SegmentationHead", in_channels=6, num_classes=5),
            depth=dict(type="DepthHead", in_channels=6, min_depth=0.5, max_depth=10.0),
        ),
        tasks=("semantic", "depth"),
    )
    samples = [make_sample("semantic", "depth"), make_sample("depth")]
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(3):  # after two layers of zeros the embedding waits for the third
        optimizer.zero_grad()
        sum(v for k, v in model.loss(images(2), samples).items() if "loss" in k).backward()
        assert all(p.grad is not None for p in model.parameters())
        still = [n for n, p in model.named_parameters() if not p.grad.any()]
        optimizer.step()
    assert still == []
    predicted = model.eval().predict(images(2), samples)
    assert [tuple(s.pred_depth.data.shape) for s in predicted] == [(1, 32, 32)] * 2


def test_maps_lie_as_heads_of_mmseg_view_them():
    """Inside channels lie last; some of mmseg's heads view maps flat, which those would refuse."""
    with torch.no_grad():
        maps = CondResNet(18).eval()(images(2))
    assert len(maps) == 4
    assert all(x.is_contiguous() for x in maps)
