from __future__ import annotations

import pytest
import torch
from torch import nn

from mtlplugins.models.decoders import SwinUNetDecoder
from mtlplugins.models.decoders.swin_unet import PatchExpand
from tests.models._models import cond_swin, images, perturb


def make_decoder(**settings) -> SwinUNetDecoder:
    settings = dict(in_channels=(16, 32, 64, 128), num_heads=(1, 2, 4), window_size=4) | settings
    decoder = SwinUNetDecoder(settings.pop("in_channels"), **settings)
    decoder.init_weights()
    return decoder


def test_patch_expand_token_by_token():
    expand = PatchExpand(6, 3, scale=2)
    perturb(expand.parameters())
    x = torch.randn(2, 3, 4, 6)
    out = expand(x)
    assert out.shape == (2, 6, 8, 3)
    assert expand.expand.bias is None
    for row, column, i, j in [(0, 0, 0, 0), (2, 1, 1, 0), (1, 3, 0, 1), (2, 3, 1, 1)]:
        first = 3 * (2 * i + j)
        wanted = expand.norm(expand.expand.weight[first : first + 3] @ x[1, row, column])
        torch.testing.assert_close(out[1, 2 * row + i, 2 * column + j], wanted)


@pytest.mark.parametrize("size", [(32, 32), (64, 96), (52, 76), (36, 100)])
def test_gives_the_size_of_the_image_for_any_whole_patches(size: tuple[int, int]):
    decoder = make_decoder()
    maps = cond_swin()(images(2, size))
    assert decoder(maps).shape == (2, 16, *size)


def test_depends_on_every_map_and_trains_everything():
    decoder = make_decoder()
    maps = [m.detach().requires_grad_() for m in cond_swin()(images(2))]
    out = decoder(maps)
    (out * torch.linspace(-1, 1, out.numel()).view_as(out)).sum().backward()
    assert len(maps) == 4
    assert all(m.grad.abs().max() > 0 for m in maps)
    assert all(p.grad.abs().max() > 0 for p in decoder.parameters())


def test_rows_do_not_mix():
    decoder = make_decoder().eval()
    maps = cond_swin().eval()(images(3))
    torch.testing.assert_close(decoder([m[1:2] for m in maps]), decoder(maps)[1:2])


def test_a_coarse_token_is_decoded_where_it_was_merged_from():
    """Of odd sides too, which the encoder pads at the right and the bottom."""
    decoder = make_decoder(in_channels=(16, 32), num_heads=(2,), window_size=1, patch_size=2).eval()
    fine, coarse = torch.randn(1, 16, 5, 5), torch.randn(1, 32, 3, 3)
    before = decoder([fine, coarse])
    changed = torch.zeros(10, 10, dtype=torch.bool)
    for row, column in [(0, 0), (1, 2)]:
        coarse[0, :, row, column] += torch.randn(32)
        changed[4 * row : 4 * row + 4, 4 * column : 4 * column + 4] = True
    after = decoder([fine, coarse])
    assert torch.equal((after - before).abs().amax(dim=(0, 1)) > 1e-6, changed)


def test_two_scales_and_another_patch():
    decoder = make_decoder(in_channels=(16, 32), num_heads=(2,), patch_size=2, mlp_ratio=2)
    out = decoder([torch.randn(1, 16, 6, 4), torch.randn(1, 32, 3, 2)])
    assert out.shape == (1, 16, 12, 8)
    block = decoder.up_stages[0].blocks[0]
    assert block.attn.w_msa.num_heads == 2
    assert block.ffn.layers[0][0].out_features == 32
    assert [b.attn.shift_size for b in decoder.up_stages[0].blocks] == [0, 2]


def test_initialised_like_the_encoder():
    linears = [m for m in make_decoder().modules() if isinstance(m, nn.Linear)]
    assert len(linears) == 3 * (2 + 2 * 4) + 1
    for linear in linears:
        assert linear.weight.std().item() == pytest.approx(0.02, rel=0.2)
        assert linear.bias is None or (linear.bias == 0).all()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (dict(in_channels=(16, 32, 48), num_heads=(1, 2)), r"\(16, 32, 48\) must double"),
        (dict(num_heads=(1, 2)), r"num_heads=\(1, 2\) needs 3 numbers"),
    ],
)
def test_errors(settings: dict, message: str):
    with pytest.raises(ValueError, match=message):
        make_decoder(**settings)


def test_maps_of_another_encoder():
    decoder = make_decoder()
    maps = [torch.zeros(1, 2 * c, 4, 4) for c in decoder.in_channels]
    with pytest.raises(ValueError, match=r"SwinUNetDecoder: in_channels=.* channels: set in_ch"):
        decoder(maps)
