from __future__ import annotations

import timm
import torch
from torch import nn

from mtlplugins.models.layers import DepthwiseConv, use_fast_depthwise


def test_only_depthwise_convolutions_change_and_float32_stays_the_same():
    torch.manual_seed(0)
    network = timm.create_model("tf_efficientnet_lite0", features_only=True).eval()
    x = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        before, names = network(x), list(network.state_dict())
        use_fast_depthwise(network)
        use_fast_depthwise(network)  # twice changes nothing
        after = network(x)
    assert all(torch.equal(a, b) for a, b in zip(after, before, strict=True))
    assert list(network.state_dict()) == names
    kinds = {isinstance(m, DepthwiseConv): 0 for m in network.modules()}
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            assert isinstance(module, DepthwiseConv) is (module.groups > 1)
            kinds[isinstance(module, DepthwiseConv)] += 1
    assert kinds[True] == 16


def test_mixed_precision_computes_them_in_float32():
    torch.manual_seed(0)
    conv = nn.Conv2d(4, 4, 3, groups=4, bias=False)
    x = torch.randn(2, 4, 5, 5).bfloat16().requires_grad_()
    wanted = conv(x.float())
    use_fast_depthwise(conv)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        got = conv(x)
    assert torch.equal(got, wanted.bfloat16())
    (gradient,) = torch.autograd.grad(wanted.sum(), x)
    got.sum().backward()
    assert torch.equal(x.grad, gradient)
    assert conv.weight.grad.dtype is torch.float32
