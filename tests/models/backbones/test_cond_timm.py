"""Encoders of timm compute what timm computes, and carry conditional modules exactly."""

from __future__ import annotations

from copy import deepcopy

import pytest
import torch
from mmengine.model import convert_sync_batchnorm
from torch import Tensor

from mtlplugins.models import CondTimmBackbone
from mtlplugins.models.conditioning import MODULES, Condition, conditional_modules
from tests._slow import slow_except
from tests.models._models import make_condition, perturb, perturb_conditioning
from tests.models.backbones._timm import FAMILIES, KINDS, blocks_of, cond_timm, plain_timm

ROWS = {0: [0, 1], 1: [1], 2: [0, 1]}  # three tasks; the second has no target in image 0


def images(size: tuple[int, int] = (32, 64), batch: int = 2) -> Tensor:
    return torch.randn(batch, 3, *size, generator=torch.Generator().manual_seed(1))


def fullest(family: str, **settings) -> CondTimmBackbone:
    """With the fullest plan, in double precision, all weights away from their special start."""
    torch.manual_seed(0)
    encoder = cond_timm(family, FAMILIES[family][2], **settings).double().eval()
    perturb(encoder.parameters(), std=0.05)
    return encoder


def condition() -> Condition:
    made = make_condition(ROWS)
    return Condition(made.z.double(), made.image_index, made.task_index, made.rows_per_task)


@pytest.mark.parametrize("family", slow_except(FAMILIES, *KINDS))
def test_a_fresh_encoder_computes_what_timm_computes(family: str):
    network = plain_timm(family)
    encoder = cond_timm(family, FAMILIES[family][2]).eval()
    missing, _ = encoder.network.load_state_dict(network.state_dict(), strict=False)
    assert all("film" in name or "conditional_" in name for name in missing)
    rows = make_condition(ROWS)
    for size in ((32, 96), (64, 64)):  # neither is the size that the model was made for
        x = images(size)
        with torch.no_grad():
            wanted = network.forward_intermediates(x, intermediates_only=True)
            maps = encoder(x, rows)
        assert len(maps) == len(wanted) == len(encoder.channels)
        for i, (ours, theirs) in enumerate(zip(maps, wanted, strict=True)):
            if i >= encoder.shared_maps:
                theirs = theirs[rows.image_index]
            stride = encoder.strides[i]
            height, width = size[0] // stride, size[1] // stride
            assert ours.shape == (len(theirs), encoder.channels[i], height, width)
            assert ours.dtype == theirs.dtype
            assert ours.is_contiguous()
            assert (ours - theirs).abs().max() <= 1e-6 * theirs.abs().max()
        assert wanted[-1].std() > 1e-3


@pytest.mark.parametrize("family", slow_except(KINDS, "ViT", "MobileNetV4"))
def test_every_conditional_module_acts_and_folds(family: str):
    encoder = fullest(family)
    x, rows = images().double(), condition()
    maps = encoder(x, rows)
    assert encoder.shared_maps == sum(len(y) == len(x) for y in maps) < len(maps)
    parameters = [p for m in conditional_modules(encoder) for p in m.parameters()]
    gradients = torch.autograd.grad(maps[-1].square().sum(), parameters, allow_unused=True)
    assert all(g is not None and g.abs().max() > 0 for g in gradients)
    start = 0
    for task, found in ROWS.items():
        folded = deepcopy(encoder)
        folded.fold(rows.z[task])
        assert conditional_modules(folded) == []
        with torch.no_grad():
            plain = folded(x[found])
        for ours, theirs in zip(maps, plain, strict=True):
            own = ours[found] if len(ours) == len(x) else ours[start : start + len(found)]
            torch.testing.assert_close(own, theirs, rtol=1e-9, atol=1e-9)
        start += len(found)


@pytest.mark.parametrize("family", ["ViT", "DINOv3"])
def test_prompts_are_read_head_by_head(family: str):
    """A linear layer after the heads: what they read is added by it, here to timm's own block."""
    encoder = cond_timm(family, dict(prompts=dict(blocks=(1,), tokens=3))).double().eval()
    torch.manual_seed(0)
    perturb(encoder.parameters(), std=0.3)
    rows, found = condition(), {}
    *_, block = blocks_of(encoder)
    block.register_forward_hook(lambda _, args, y: found.update(x=args[0], y=y))
    with torch.no_grad():
        encoder(images().double(), rows)
        x, attn = block.norm1(found["x"]), block.attn
        query = x @ attn.qkv.weight[:16].T
        if family == "ViT":  # timm's DINOv3 has queries without a bias
            query = query + attn.qkv.bias[:16]
        read = torch.zeros_like(x)
        for row, task in enumerate(rows.task_index):
            keys, values = (m[task] for m in block.conditional_prompts.tokens(rows.z))
            for channels in (slice(0, 8), slice(8, 16)):
                logits = query[row][:, channels] @ keys[:, channels].T / 8**0.5
                weights = logits.exp() / logits.exp().sum(dim=1, keepdim=True)
                read[row][:, channels] = weights @ values[:, channels]
        given = {} if family == "ViT" else dict(rope=encoder._rotations((4, 8)))
        plain = cond_timm(family).double().eval()
        plain.load_state_dict(encoder.state_dict(), strict=False)
        *_, own = blocks_of(plain)
        attended = own.attn(x, **given) + read @ attn.proj.weight.T
        scale = getattr(block, "gamma_1", None)
        y = found["x"] + (block.ls1(attended) if scale is None else scale * attended)
        out = block.mlp(block.norm2(y))
        y = y + (block.ls2(out) if scale is None else block.gamma_2 * out)
    assert read.abs().max() > 0.01
    torch.testing.assert_close(found["y"], y)


@pytest.mark.slow
@pytest.mark.parametrize("module", MODULES)
@pytest.mark.parametrize("family", FAMILIES)
def test_every_module_in_every_family_that_takes_it(family: str, module: str):
    blocks = cond_timm(family)._block_stages()
    place = MODULES[module].place
    counts = [0] * len(blocks)
    for stage, found in enumerate(blocks):
        able = [place in block.places and not block.lacks(place) for block in found]
        counts[stage] = len(found) if all(able) else able[::-1].index(False)
    if not any(counts):
        with pytest.raises(ValueError, match=f"plan.{module}="):
            cond_timm(family, {module: "all"})
        return
    encoder = cond_timm(family, {module: tuple(counts)}).double().eval()
    perturb(encoder.parameters(), std=0.05)  # layer scale too, which starts at 1e-6
    for block in blocks_of(encoder):
        block.fit_linears()
    x, rows = images().double(), condition()
    folded = deepcopy(encoder)
    folded.fold(rows.z[2])
    with torch.no_grad():
        pairs = list(zip(encoder(x, rows), folded(x), strict=True))
    for ours, theirs in pairs:
        last = ours[-len(x) :]
        assert (last - theirs).abs().max() <= 1e-9 * theirs.abs().max()
    assert (pairs[-1][0][:2] - pairs[-1][0][-2:]).abs().max() > 1e-6  # tasks differ


@pytest.mark.parametrize("family", ["ViT", "ResNet"])
def test_checkpointing_changes_nothing(family: str):
    rows, found = condition(), []
    for with_cp in (False, True):
        encoder = fullest(family, with_cp=with_cp).train()
        maps = encoder(images().double(), rows)
        sum(y.square().mean() for y in maps).backward()
        found.append((maps, {name: p.grad for name, p in encoder.named_parameters()}))
    (maps, gradients), (others, recomputed) = found
    assert all(map(torch.equal, maps, others))
    assert all(torch.equal(g, recomputed[name]) for name, g in gradients.items())


@pytest.mark.parametrize("family", ["ViT", "MobileNetV4"])
def test_the_part_before_the_branch_point_runs_alone(family: str):
    plan = dict(norm=(1,) if family == "ViT" else (0, 0, 0, 1, 1))
    encoder = cond_timm(family, plan).eval()
    perturb_conditioning(encoder)
    x, rows = images(), make_condition(ROWS)
    with torch.no_grad():
        trunk = encoder(x, to_branch=True)
        resumed = encoder(trunk, rows)
        maps = encoder(x, rows)
    assert len(trunk.x) == len(x)
    assert len(trunk.maps) == encoder.shared_maps > 0
    assert all(map(torch.equal, maps, resumed))
    with pytest.raises(ValueError, match="has a plan, so it needs to know the tasks"):
        encoder(x)


@pytest.mark.parametrize("family", ["Swin", "MobileNetV4"])
def test_a_frozen_plan_trains_the_conditional_modules(family: str):
    encoder = cond_timm(family, dict(norm="all", frozen=True)).train()
    trained = {name for name, p in encoder.named_parameters() if p.requires_grad}
    assert trained == {n for n, p in encoder.named_parameters() if "film" in n} | {
        f"network.{name}.{own}"
        for name, module in encoder.network.named_modules()
        if "film" in dict(module.named_children())
        for own in dict(module.named_parameters(recurse=False))
    }
    before = {name: value.clone() for name, value in encoder.named_buffers()}
    encoder(images(), make_condition(ROWS))
    assert all(torch.equal(value, before[name]) for name, value in encoder.named_buffers())


def test_conditional_attention_frees_its_block():
    encoder = cond_timm("ViT", dict(attention=(1,), frozen=True))
    trained = {name for name, p in encoder.named_parameters() if p.requires_grad}
    own = {name for name, _ in encoder.named_parameters() if name.startswith("network.blocks.2.")}
    assert trained == own


@pytest.mark.parametrize("family", ["MobileNetV4", "ResNet"])
def test_synchronised_batch_norms_keep_activations_and_conditioning(family: str):
    encoder = fullest(family)
    x, rows = images().double(), condition()
    with torch.no_grad():
        wanted = encoder(x, rows)
        converted = convert_sync_batchnorm(encoder).eval()
        assert all(map(torch.equal, converted(x, rows), wanted))


def test_layers_for_decay_of_learning_rates():
    encoder = cond_timm("Swin", dict(norm="all"))
    depth = {name: encoder.get_layer_depth(name)[0] for name, _ in encoder.named_parameters()}
    assert depth["network.patch_embed.proj.weight"] == 0
    assert depth["network.layers.0.blocks.0.norm1.film.generator.weight"] == 1
    assert depth["network.layers.1.downsample.reduction.weight"] == 1
    assert depth["network.layers.3.blocks.0.mlp.fc1.weight"] == 5
    vit = cond_timm("ViT")
    assert vit.get_layer_depth("network.pos_embed") == (0, 5)
    assert vit.get_layer_depth("network.cls_token") == (0, 5)
    assert vit.get_layer_depth("network.blocks.2.mlp.fc1.weight") == (3, 5)


def test_a_name_that_timm_does_not_have():
    message = r"timm 1.* has no model of that name; nearest: .*vit_tiny_patch16_224"
    with pytest.raises(ValueError, match=message):
        CondTimmBackbone("vit_tinny_patch16_224")
    with pytest.raises(ValueError, match=r"no model of that name; nearest: .*augreg_in21k"):
        CondTimmBackbone("vit_tiny_patch16_224.augreg_in22k")


@pytest.mark.parametrize(
    ("family", "plan", "message"),
    [
        (
            "ResNet",
            dict(attention="all"),
            r"plan.attention=.*resnet10t \(timm's BasicBlock\) has no attention; it can carry "
            r"plan.norm, plan.adapter. attention is for ViT, .*Swin",
        ),
        (
            "ConvNeXt with an MLP of convolutions",
            dict(low_rank="all"),
            r"timm's ConvNeXtBlock\) has no linear layers.*low_rank is for ViT, .*ConvNeXt with",
        ),
        (
            "MobileNetV4",
            dict(adapter="all"),
            r"block 0 of stage 1 .*ConvBnAct\) has no shortcut, as it changes the size",
        ),
        (
            "MobileNetV4",
            dict(adapter=(0, 0, 0, 6, 0)),
            r"UniversalInvertedResidual\) has no shortcut.*The last 5 blocks of the stage can",
        ),
        (
            "Swin",
            dict(prompts="all"),
            r"has a WindowAttention whose heads cannot read prompts; .* prompts is for ViT, DINOv2",
        ),
        ("ResNet", dict(prompts="all"), r"plan.prompts=.*has no attention; it can carry plan.norm"),
        ("ViT", dict(norm=(1, 1)), r"plan.norm=\(1, 1\) has 2 numbers, but .* 1 stages"),
        (
            "ResNet",
            dict(norm="all", norm_from_scratch=True),
            "norm_from_scratch is for LayerNorm: the norms of resnet10t keep",
        ),
    ],
)
def test_a_plan_that_a_family_cannot_carry(family: str, plan: dict, message: str):
    with pytest.raises(ValueError, match=message):
        cond_timm(family, plan)


def test_attention_without_an_additive_bias_is_named():
    message = r"MobileAttention\) has a MultiQueryAttention2d that takes no additive bias"
    with pytest.raises(ValueError, match=message):
        CondTimmBackbone("mobilenetv4_hybrid_medium", plan=dict(attention=(0, 0, 0, 2, 0)))


def test_features_that_a_model_does_not_have():
    with pytest.raises(ValueError, match=r"out_indices=\(1, 5\): resnet10t has features 0 to 4"):
        cond_timm("ResNet", out_indices=(1, 5))
    encoder = cond_timm("ResNet", out_indices=(-4, 2))
    assert encoder.strides == (4, 8)
    assert not any(name.startswith("network.layer3") for name in encoder.state_dict())


def test_a_family_whose_layers_do_not_run_one_after_the_other():
    with pytest.raises(ValueError, match=r"timm's HighResolutionNet .*VisionTransformer, Eva"):
        CondTimmBackbone("hrnet_w18_small")
    with pytest.raises(ValueError, match=r"timm's ByobNet .*one after the other"):
        CondTimmBackbone("mobilevit_xxs")
    with pytest.raises(ValueError, match="it takes images of one size alone"):
        CondTimmBackbone("levit_128s")
    with pytest.raises(ValueError, match=r"model_args={'dept': 3}: .*'dept'"):
        CondTimmBackbone("vit_tiny_patch16_224", model_args=dict(dept=3))
    with pytest.raises(ValueError, match="regnetx_002 has no list of blocks"):
        CondTimmBackbone("regnetx_002", plan=dict(norm="all"))


def test_another_family_is_compared_with_timm_when_it_is_made():
    encoder = CondTimmBackbone("ghostnet_050", plan=dict(norm=(0, 0, 0, 0, 1), embed_dims=8)).eval()
    with torch.no_grad():
        maps = encoder(images(), make_condition(ROWS))
    assert [len(y) for y in maps] == [2, 2, 2, 2, 5]
