"""Networks of timm take weights of timm and of other libraries."""

from __future__ import annotations

from pathlib import Path

import pytest
import timm
import torch
import torchvision
from mmseg.registry import MODELS
from torch import nn
from torch.nn.functional import interpolate, layer_norm

from tests.weights._parity import image, randomise
from tests.weights.test_swin import ARCH, DEPTHS, HEADS

SWIN = dict(embed_dim=8, depths=DEPTHS, num_heads=HEADS)
TINY = dict(dims=(8, 16, 24, 32), depths=(1, 1, 2, 1))


def timm_backbone(file: Path, model: str, **settings) -> nn.Module:
    init_cfg = dict(type="Pretrained", checkpoint=str(file))
    config = dict(type="TIMMBackbone", model_name=model, pretrained=False, init_cfg=init_cfg)
    encoder = MODELS.build(config | dict(features_only=True) | settings)
    encoder.init_weights()
    return encoder.double().eval()


@pytest.mark.parametrize(
    ("model", "settings"),
    [
        ("convnext_atto", TINY),  # wrapped with names such as stages_0
        ("swin_tiny_patch4_window7_224", SWIN),  # wrapped as model.
        ("resnet18d", {}),
    ],
)
def test_a_network_s_own_file(model: str, settings: dict, tmp_path: Path):
    network = randomise(timm.create_model(model, **settings))
    features = timm.create_model(model, features_only=True, **settings).double().eval()
    torch.save(network.state_dict(), tmp_path / "whole.pth")
    encoder = timm_backbone(tmp_path / "whole.pth", model, **settings)
    torch.save(encoder.timm_model.state_dict(), tmp_path / "features.pth")
    again = timm_backbone(tmp_path / "features.pth", model, **settings)
    features.load_state_dict(encoder.timm_model.state_dict())
    x = image()
    with torch.no_grad():
        # timm's own way to the same maps
        wanted = network.forward_intermediates(x, intermediates_only=True, output_fmt="NCHW")
        for found in (encoder, again):
            maps = [m if m.shape[1] != m.shape[2] else m.permute(0, 3, 1, 2) for m in found(x)]
            assert torch.allclose(maps[-1], wanted[-1], rtol=1e-5, atol=1e-5)


def test_torchvision_s_resnet(tmp_path: Path):
    network = randomise(torchvision.models.resnet18())
    torch.save(network.state_dict(), tmp_path / "resnet.pth")
    encoder = timm_backbone(tmp_path / "resnet.pth", "resnet18")
    own = encoder.timm_model.state_dict()
    assert all(
        torch.equal(own[k].float(), v.float()) for k, v in network.state_dict().items() if k in own
    )


def test_mmpretrain_s_swin(tmp_path: Path):
    config = dict(type="mmpretrain.SwinTransformer", arch=ARCH, out_indices=(0, 1, 2, 3))
    network = randomise(MODELS.build(config))
    torch.save(network.state_dict(), tmp_path / "swin.pth")
    model = "swin_tiny_patch4_window7_224"
    encoder = timm_backbone(tmp_path / "swin.pth", model, **SWIN, feature_cls="getter")
    x = image()
    with torch.no_grad():
        for i, (found, wanted) in enumerate(zip(encoder(x), network(x), strict=True)):
            found = found.permute(0, 2, 3, 1)
            norm = getattr(network, f"norm{i}")
            found = layer_norm(found, norm.normalized_shape, norm.weight, norm.bias)
            torch.testing.assert_close(found.permute(0, 3, 1, 2), wanted, rtol=1e-5, atol=1e-5)


def test_positions_and_biases_of_another_size_are_interpolated(tmp_path: Path):
    shape = dict(embed_dim=16, depth=3, num_heads=2)
    whole = timm.create_model("vit_base_patch32_224", **shape)
    torch.save(whole.state_dict(), tmp_path / "vit.pth")
    settings = dict(img_size=(96, 128), feature_cls="getter", **shape)
    encoder = timm_backbone(tmp_path / "vit.pth", "vit_base_patch32_224", **settings)
    grid = whole.pos_embed[:, 1:].unflatten(1, (7, 7)).permute(0, 3, 1, 2)
    wanted = interpolate(grid, size=(3, 4), mode="bicubic").flatten(2).transpose(1, 2)
    found = encoder.timm_model.model.pos_embed.float()
    torch.testing.assert_close(found[:, 1:], wanted)
    assert torch.equal(found[:, :1], whole.pos_embed[:, :1])
    network = timm.create_model("swin_tiny_patch4_window7_224", **SWIN)
    torch.save(network.state_dict(), tmp_path / "swin.pth")
    settings = dict(img_size=128, window_size=4, feature_cls="getter", **SWIN)
    encoder = timm_backbone(tmp_path / "swin.pth", "swin_tiny_patch4_window7_224", **settings)
    name = "layers.1.blocks.0.attn.relative_position_bias_table"
    grid = network.get_parameter(name).T.reshape(1, -1, 13, 13)
    wanted = interpolate(grid, size=(7, 7), mode="bicubic").flatten(2)[0].T
    found = encoder.timm_model.model.get_parameter(name).float()
    torch.testing.assert_close(found, wanted)


def test_another_network_is_refused_by_its_first_key(tmp_path: Path):
    torch.save(timm.create_model("resnet18").state_dict(), tmp_path / "resnet.pth")
    message = r"resnet\.pth.*another architecture.*stem.*nearest to ResNet of"
    with pytest.raises(ValueError, match=message):
        timm_backbone(tmp_path / "resnet.pth", "convnext_atto", **TINY)
