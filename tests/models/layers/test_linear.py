"""Linear layers by oneDNN where MKL is slower, against plain products in double precision."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path

import mmcv.cnn
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.profiler import ProfilerActivity, profile
from torch.utils.flop_counter import FlopCounterMode

from mtlplugins.models import CondSwinTransformer, CondVisionTransformer
from mtlplugins.models.layers import Linear, linear, use_fast_linears

# the package has a function of the module's name
MODULE = importlib.import_module("mtlplugins.models.layers.linear")


@pytest.fixture
def lagging(monkeypatch: pytest.MonkeyPatch) -> None:
    """A CPU on which oneDNN is the quicker one, whatever this one is, and for the smallest."""
    monkeypatch.setattr(MODULE, "_mkl_lacks_avx512", lambda: True)
    monkeypatch.setattr(MODULE, "_LEAST", 1)


def onednn_calls(function: Callable[[], object]) -> int:
    with profile(activities=[ProfilerActivity.CPU]) as record:
        function()
    return sum(event.name == "mkldnn::_linear_pointwise" for event in record.events())


@pytest.mark.usefixtures("lagging")
@pytest.mark.parametrize("with_bias", [True, False])
@pytest.mark.parametrize("lead", [(), (5,), (2, 3, 7)])
@pytest.mark.parametrize(("inputs", "outputs"), [(6, 11), (11, 6)])
def test_values_and_gradients(
    lead: tuple[int, ...], inputs: int, outputs: int, with_bias: bool
) -> None:
    torch.manual_seed(0)
    tensors = [torch.randn(*lead, inputs), torch.randn(outputs, inputs)]
    tensors += [torch.randn(outputs)] if with_bias else []
    weighting = torch.randn(*lead, outputs, dtype=torch.double)

    def run(function: Callable[..., Tensor], dtype: torch.dtype) -> list[Tensor]:
        leaves = [t.clone().to(dtype).requires_grad_() for t in tensors]
        out = function(*leaves)
        (out * weighting.to(dtype)).sum().backward()
        return [out, *(leaf.grad for leaf in leaves)]

    found = run(linear, torch.float)
    wanted = run(lambda x, w, b=0: (x[..., None, :] * w).sum(-1) + b, torch.double)
    for mine, plain in zip(found, wanted, strict=True):
        torch.testing.assert_close(mine.double(), plain, rtol=0, atol=2e-5)
    assert onednn_calls(lambda: run(linear, torch.float)) == 3  # out, and gradients of x and W


@pytest.mark.usefixtures("lagging")
def test_gradients_of_gradients() -> None:
    torch.manual_seed(0)
    x, weight = torch.randn(4, 3), torch.randn(5, 3)

    def penalty(function: Callable[..., Tensor]) -> tuple[Tensor, ...]:
        leaves = x.clone().requires_grad_(), weight.clone().requires_grad_()
        out = function(*leaves).square().sum()
        first = torch.autograd.grad(out, leaves, create_graph=True)
        return torch.autograd.grad(sum(g.square().sum() for g in first), leaves)

    for mine, plain in zip(penalty(linear), penalty(F.linear), strict=True):
        torch.testing.assert_close(mine, plain, rtol=1e-5, atol=1e-3)


@pytest.mark.usefixtures("lagging")
def test_under_vmap() -> None:
    torch.manual_seed(0)
    x, weight = torch.randn(4, 2, 3), torch.randn(5, 3)
    per_sample = torch.func.vmap(
        torch.func.grad(lambda w, x: linear(x, w).square().sum()), in_dims=(None, 0)
    )
    wanted = torch.stack([2 * (one @ weight.T).T @ one for one in x])
    torch.testing.assert_close(per_sample(weight, x), wanted, rtol=0, atol=1e-4)


@pytest.mark.usefixtures("lagging")
def test_where_it_does_not_pay_it_is_pytorchs() -> None:
    layer, x = Linear(3, 5), torch.randn(4, 3)
    assert onednn_calls(lambda: layer(x)) == 1
    assert onednn_calls(lambda: deepcopy(layer).double()(x.double())) == 0
    assert layer(x[:0]).shape == (0, 5)
    with torch.backends.mkldnn.flags(enabled=False):
        assert onednn_calls(lambda: layer(x)) == 0
    with torch.autocast("cpu", torch.bfloat16):
        assert layer(x).dtype is torch.bfloat16
    with FlopCounterMode(display=False) as counter:
        layer(x).sum().backward()
    assert counter.get_total_flops() == 2 * 2 * 4 * 3 * 5  # out and the gradient of W
    traced = torch.jit.trace(layer, x)
    assert "aten::linear" in str(traced.inlined_graph)
    torch.testing.assert_close(traced(x), layer(x))
    exported = torch.export.export(layer, (x,))
    assert torch.ops.aten.linear.default in {node.target for node in exported.graph.nodes}


def test_small_products_are_pytorchs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(MODULE, "_mkl_lacks_avx512", lambda: True)
    layer = Linear(256, 128)
    assert onednn_calls(lambda: layer(torch.randn(128, 256))) == 1
    assert onednn_calls(lambda: layer(torch.randn(127, 256))) == 0


def test_intels_cpus_keep_mkl(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.backends.cpu.get_cpu_capability", lambda: "AVX512")
    text = "vendor_id\t: {}\nflags\t\t: avx512f\n"
    for vendor, lags in (("GenuineIntel", False), ("AuthenticAMD", True)):
        monkeypatch.setattr(Path, "read_text", lambda _, v=vendor: text.format(v))
        assert MODULE._mkl_lacks_avx512.__wrapped__() is lags
    monkeypatch.setattr("torch.backends.cpu.get_cpu_capability", lambda: "AVX2")
    assert MODULE._mkl_lacks_avx512.__wrapped__() is False


def test_use_fast_linears_keeps_all_but_the_class() -> None:
    class Own(nn.Linear):
        """Somebody's layer with ideas of its own."""

    module = nn.Sequential(nn.Linear(3, 4), mmcv.cnn.Linear(4, 4), Own(4, 5))
    before = dict(module.named_parameters())
    use_fast_linears(module)
    assert [type(layer) for layer in module] == [Linear, Linear, Own]
    after = dict(module.named_parameters())
    assert list(after) == list(before)
    assert all(after[key] is before[key] for key in before)


@pytest.mark.parametrize(
    "encoder",
    [
        CondSwinTransformer(
            embed_dims=12,
            depths=(1, 2),
            num_heads=(2, 4),
            strides=(4, 2),
            out_indices=(0, 1),
            window_size=2,
        ),
        CondVisionTransformer(
            arch=dict(embed_dims=12, num_layers=2, num_heads=2, feedforward_channels=24),
            img_size=16,
            patch_size=4,
            out_type="featmap",
        ),
    ],
    ids=["Swin", "ViT"],
)
def test_encoders_multiply_by_onednn(encoder: nn.Module, lagging: None) -> None:
    torch.manual_seed(0)
    x = torch.randn(2, 3, 16, 16)

    def run() -> list[Tensor]:
        encoder.zero_grad()
        (out, *_) = reversed(encoder(x))
        (out * torch.arange(out.numel()).view(out.shape).sin()).sum().backward()
        return [out, *(p.grad.clone() for p in encoder.parameters() if p.grad is not None)]

    encoder.eval()
    found = run()
    layers = sum(isinstance(module, nn.Linear) for module in encoder.modules())
    assert layers > 0
    assert onednn_calls(run) == 3 * layers
    with torch.backends.mkldnn.flags(enabled=False):
        wanted = run()
    for mine, plain in zip(found, wanted, strict=True):
        torch.testing.assert_close(mine, plain, rtol=1e-4, atol=1e-4)
