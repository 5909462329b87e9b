"""ResNets of other libraries, with random weights that each library saves itself."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import timm
import torch
import torchvision
from mmseg.registry import MODELS
from torch import nn

from mtlplugins.weights import resnet
from tests.weights._parity import image, loaded, outputs, randomise

#: Network and our encoder's settings.
LIBRARIES: dict[str, tuple[Callable[[], nn.Module], dict]] = {
    "torchvision": (torchvision.models.resnet18, {}),
    "timm": (lambda: timm.create_model("resnet18"), {}),
    "timm's ResNet-D": (
        lambda: timm.create_model("resnet18d"),
        dict(deep_stem=True, avg_down=True),
    ),
    "mmseg": (
        lambda: MODELS.build(dict(type="ResNetV1d", depth=18)),
        dict(deep_stem=True, avg_down=True),
    ),
}


@pytest.mark.parametrize("library", LIBRARIES)
def test_every_stage_computes_the_same(library: str, tmp_path: Path):
    make, settings = LIBRARIES[library]
    network = randomise(make())
    torch.save(network.state_dict(), tmp_path / "resnet.pth")
    encoder = loaded(dict(type="CondResNet", depth=18, **settings), tmp_path / "resnet.pth")
    x = image((96, 96))
    wanted = outputs(network, [network.get_submodule(f"layer{i}") for i in range(1, 5)], x)
    with torch.no_grad():
        found = encoder(x)
    for ours, theirs in zip(found, wanted, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-5)


def test_keys():
    """What is called how; a changed name in a table shows here."""
    assert resnet.PLAIN.to_ours("layer3.1.bn2.running_var") == "layer3.1.bn2.running_var"
    assert resnet.DEEP.to_ours("conv1.3.weight") == "stem.3.weight"
    assert resnet.DEEP.to_ours("bn1.bias") == "stem.7.bias"
    assert resnet.DEEP.to_theirs("stem.7.bias") == "bn1.bias"
    assert resnet.DEEP.to_theirs("stem.1.bias") == "conv1.1.bias"
