from __future__ import annotations

import pytest
import torch
from mmseg.models.backbones import ResNet
from torch import Tensor, nn
from torch.nn import functional as F

from mtlplugins.models.decoders import ConvUNetDecoder
from tests.models._models import images, perturb

CHANNELS = (4, 6, 8, 10)


def make_decoder(in_channels=CHANNELS, channels=(3, 5, 7), **settings) -> ConvUNetDecoder:
    decoder = ConvUNetDecoder(in_channels, channels, **settings)
    decoder.init_weights()
    perturb(decoder.parameters(), std=0.1)
    return decoder


def make_maps(*sizes: tuple[int, int], channels=CHANNELS) -> list[Tensor]:
    return [torch.randn(2, c, *size) for c, size in zip(channels, sizes, strict=True)]


def convolve(state: dict[str, Tensor], where: str, x: Tensor, *, training: bool) -> Tensor:
    """Convolution, batch norm and ReLU from a decoder's weights by name."""
    x = F.conv2d(x, state[f"{where}.conv.weight"], padding=1)
    if training:
        mean, var = x.mean(dim=(0, 2, 3)), x.var(dim=(0, 2, 3), unbiased=False)
    else:
        mean, var = state[f"{where}.bn.running_mean"], state[f"{where}.bn.running_var"]
    x = (x - mean[:, None, None]) / (var[:, None, None] + 1e-5).sqrt()
    x = x * state[f"{where}.bn.weight"][:, None, None] + state[f"{where}.bn.bias"][:, None, None]
    return x.clamp(min=0)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize(
    "sizes",
    [
        ((16, 16), (8, 8), (4, 4), (2, 2)),
        ((13, 19), (7, 10), (4, 5), (2, 3)),  # odd sides, rounded up
        ((9, 11), (4, 5), (2, 2), (1, 1)),  # rounded down
        ((8, 6), (4, 3), (4, 3), (4, 3)),  # a dilated encoder
    ],
)
def test_equals_a_plain_reference(sizes, training: bool):
    decoder = make_decoder().train(training)
    state = {k: v.clone() for k, v in decoder.state_dict().items()}
    maps = make_maps(*sizes)
    x = maps[3]
    for i in (2, 1, 0):
        x = F.interpolate(x, sizes[i], mode="bilinear", align_corners=False)
        x = torch.cat([x, maps[i]], dim=1)
        for conv in (0, 1):
            x = convolve(state, f"stages.{i}.{conv}", x, training=training)
    assert x.shape == (2, 3, *sizes[0])
    torch.testing.assert_close(decoder(maps), x, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(("depth", "expansion"), [(18, 1), (50, 4)])
@pytest.mark.parametrize("strides", [(1, 2, 2, 2), (1, 2, 1, 1)])
def test_fits_every_map_of_a_resnet(depth: int, expansion: int, strides: tuple[int, ...]):
    """Strides 4, 8, 16 and 32, or 4 and 8 of a dilated one: features at a quarter of the image."""
    channels = tuple(expansion * 4 * 2**i for i in range(4))
    encoder = ResNet(depth, stem_channels=8, base_channels=4, strides=strides)
    maps = [m.detach().requires_grad_() for m in encoder(images(2, (45, 64)))]
    decoder = make_decoder(channels)
    out = decoder(maps)
    assert out.shape == (2, 3, 12, 16)
    (out * torch.linspace(-1, 1, out.numel()).view_as(out)).sum().backward()
    assert all(m.grad.abs().max() > 0 for m in maps)
    assert all(p.grad.abs().max() > 0 for p in decoder.parameters())


def test_two_maps_and_another_norm():
    decoder = make_decoder((4, 6), (2,), norm_cfg=dict(type="GN", num_groups=2))
    out = decoder(make_maps((6, 4), (3, 2), channels=(4, 6)))
    assert out.shape == (2, 2, 6, 4)
    assert {type(m) for m in decoder.modules()} >= {nn.GroupNorm}
    assert not any(isinstance(m, nn.BatchNorm2d) for m in decoder.modules())


def test_rows_do_not_mix():
    decoder = make_decoder().eval()
    maps = make_maps((8, 8), (4, 4), (2, 2), (1, 1))
    torch.testing.assert_close(decoder([m[1:] for m in maps]), decoder(maps)[1:])


@pytest.mark.parametrize("channels", [(3, 5), (3, 5, 7, 9)])
def test_channels_that_do_not_fit(channels: tuple[int, ...]):
    with pytest.raises(ValueError, match=r"channels=.* needs 3 numbers.*\(4, 6, 8, 10\)"):
        make_decoder(channels=channels)


def test_maps_that_do_not_fit():
    sizes = ((8, 12), (4, 6), (2, 3), (1, 2))
    decoder, maps = make_decoder(), make_maps(*sizes)
    with pytest.raises(ValueError, match=r"maps have \(4, 6, 8\) channels: set in_channels"):
        decoder(maps[:3])
    with pytest.raises(ValueError, match=r"maps have \(10, 8, 6, 4\) channels: set in_channels"):
        decoder(maps[::-1])
    last = [m.permute(0, 2, 3, 1) for m in maps]
    with pytest.raises(ValueError, match=r"\(n, H, W, C\).*timm's Swin.*feature_cls='getter'"):
        decoder(last)
