"""The study's ViT against a plain reference, head by head."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from mtlplugins.models import TokenViT

SMALL = dict(
    input_size=12, patch_size=3, embed_dims=8, depth=2, num_heads=3, head_dims=5, mlp_dims=16
)


def reference(
    weights: dict[str, Tensor], x: Tensor, *, side: int, patch: int, heads: int
) -> Tensor:
    """Patches cut out one by one, a loop over heads, softmax by hand."""
    x = F.interpolate(x, size=(side, side), mode="bilinear", align_corners=False)
    cut = [
        x[:, :, i : i + patch, j : j + patch].reshape(len(x), -1)
        for i in range(0, side, patch)
        for j in range(0, side, patch)
    ]
    t = torch.stack(cut, 1) @ weights["patch_embed.weight"].T + weights["patch_embed.bias"]
    t = t + weights["pos_embed"]

    def norm(t: Tensor, name: str) -> Tensor:
        centred = t - t.mean(-1, keepdim=True)
        scaled = centred / (centred.square().mean(-1, keepdim=True) + 1e-6).sqrt()
        return scaled * weights[f"{name}.weight"] + weights[f"{name}.bias"]

    def linear(t: Tensor, name: str) -> Tensor:
        return t @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]

    depth = 1 + max(int(key.split(".")[1]) for key in weights if key.startswith("layers."))
    for i in range(depth):
        q, k, v = linear(norm(t, f"layers.{i}.norm1"), f"layers.{i}.qkv").chunk(3, -1)
        outs = []
        for q1, k1, v1 in zip(*(part.chunk(heads, -1) for part in (q, k, v)), strict=True):
            e = (q1 @ k1.mT / math.sqrt(q1.shape[-1])).exp()
            outs.append(e / e.sum(-1, keepdim=True) @ v1)
        t = t + linear(torch.cat(outs, -1), f"layers.{i}.proj")
        hidden = F.gelu(linear(norm(t, f"layers.{i}.norm2"), f"layers.{i}.mlp.0"))
        t = t + F.gelu(linear(hidden, f"layers.{i}.mlp.3"))
    return norm(t, "norm")


@pytest.mark.parametrize("settings", [SMALL, {}], ids=["small", "the study's"])
def test_it_is_the_plain_transformer(settings: dict) -> None:
    torch.manual_seed(0)
    encoder = TokenViT(**settings).eval()
    encoder.init_weights()
    for parameter in encoder.parameters():  # biases and gains too
        parameter.data += 0.05 * torch.randn_like(parameter)
    x = torch.randn(2, 3, 32, 32)
    (found,) = encoder(x)
    side, patch, heads = (
        (12, 3, 3) if settings else (72, 6, 4)
    )  # the study's numbers, not the defaults
    # pixel_unshuffle has the channels of a patch first, as reshape has
    wanted = reference(dict(encoder.state_dict()), x, side=side, patch=patch, heads=heads)
    assert found.shape == ((2, 16, 8) if settings else (2, 144, 64))
    torch.testing.assert_close(found, wanted, rtol=0, atol=1e-5)


def test_parameters_by_hand() -> None:
    # patches and positions, eight layers of attention, two norms and MLP, the last norm
    layer = (64 * 768 + 768) + (256 * 64 + 64) + 4 * 64 + (64 * 128 + 128) + (128 * 64 + 64)
    expected = (108 * 64 + 64) + 144 * 64 + 8 * layer + 128
    assert sum(p.numel() for p in TokenViT().parameters()) == expected == 681920


def test_dropout_is_where_the_study_has_it() -> None:
    torch.manual_seed(0)
    x = torch.randn(1, 3, 12, 12)
    still = TokenViT(**SMALL, attn_drop_rate=0.0, drop_rate=0.0).train()
    assert torch.equal(still(x)[0], still(x)[0])
    for rates in (dict(attn_drop_rate=0.5, drop_rate=0.0), dict(attn_drop_rate=0.0, drop_rate=0.5)):
        moving = TokenViT(**SMALL, **rates).train()
        assert not torch.equal(moving(x)[0], moving(x)[0])
        moving.eval()
        assert torch.equal(moving(x)[0], moving(x)[0])
    assert TokenViT().layers[0].attn_drop_rate == 0.1
    drops = [m.p for m in TokenViT().modules() if isinstance(m, torch.nn.Dropout)]
    assert drops == [0.2] * 16


def test_it_starts_as_keras_does() -> None:
    torch.manual_seed(0)
    encoder = TokenViT()
    encoder.init_weights()
    limit = math.sqrt(6 / (108 + 64))
    weight = encoder.patch_embed.weight
    assert 0.98 * limit < weight.abs().max() <= limit
    assert not encoder.patch_embed.bias.any()
    assert 0.049 < encoder.pos_embed.abs().max() <= 0.05
    # Keras's kernels are (64, 4, 64) twice: 64 · (4 + 64) and 4 · (64 + 64) for the fans
    for layer in encoder.layers:
        assert 0.98 * 0.037131 < layer.qkv.weight.abs().max() <= 0.037131
        assert 0.98 * 0.108254 < layer.proj.weight.abs().max() <= 0.108254
        assert not layer.qkv.bias.any()
        assert not layer.proj.bias.any()


def test_patches_that_do_not_fit() -> None:
    with pytest.raises(ValueError, match="patch_size=7 does not divide 72"):
        TokenViT(patch_size=7)
