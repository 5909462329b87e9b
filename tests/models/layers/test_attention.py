from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from mtlplugins.models.layers import attention

SHAPE = (3, 2, 10, 4)


def inputs(dtype: torch.dtype, *, bias: bool) -> list[torch.Tensor | None]:
    generator = torch.Generator().manual_seed(0)
    made = [torch.randn(*SHAPE, generator=generator).to(dtype) for _ in range(3)]
    if not bias:
        return [*made, None]
    logits = torch.randn(1, 2, 10, 10, generator=generator).to(dtype)
    return [*made, logits.masked_fill(torch.eye(10, dtype=bool), float("-inf"))]


def plain(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, bias: torch.Tensor | None):
    """Query by query, as the formula says."""
    out = torch.zeros_like(query)
    for index in range(query.shape[2]):
        logits = (query[:, :, index, None] * key).sum(-1) / query.shape[-1] ** 0.5
        if bias is not None:
            logits = logits + bias[:, :, index]
        weights = logits.exp() / logits.exp().sum(-1, keepdim=True)
        out[:, :, index] = (weights[..., None] * value).sum(2)
    return out


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize(
    ("dtype", "tolerance"),
    [(torch.float64, 1e-12), (torch.float32, 1e-6), (torch.bfloat16, 2e-2)],
)
def test_every_way_gives_the_formula(dtype: torch.dtype, tolerance: float, bias: bool) -> None:
    query, key, value, logits = inputs(dtype, bias=bias)
    exact = [None if x is None else x.double() for x in (query, key, value, logits)]
    found = attention(query, key, value, bias=logits)
    assert found.dtype is dtype
    torch.testing.assert_close(found.double(), plain(*exact), atol=tolerance, rtol=tolerance)


def test_fused_and_plain_products_have_the_same_gradients() -> None:
    """With gradients, float32 goes through the fused kernel, float64 through plain products."""
    gradients = []
    for dtype in (torch.float32, torch.float64):
        *leaves, bias = (x.to(dtype) for x in inputs(torch.float32, bias=True))
        query, key, value = (leaf.requires_grad_() for leaf in leaves)
        attention(query, key, value, bias=bias).square().sum().backward()
        gradients.append([leaf.grad.double() for leaf in leaves])
    for one, other in zip(*gradients, strict=True):
        torch.testing.assert_close(one, other, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("lead", [(5, 6), (5, 1), (1, 6), (1, 1)])
@pytest.mark.parametrize("learnt", [False, True])
def test_a_bias_is_broadcast(lead: tuple[int, int], learnt: bool) -> None:
    torch.manual_seed(0)
    query, key, value = torch.randn(3, 5, 6, 2, 7, 4)
    bias = torch.randn(*lead, 2, 7, 7)
    wanted = attention(query, key, value, bias=bias.expand(5, 6, 2, 7, 7))
    logits = query @ key.transpose(-1, -2) / 2 + bias
    torch.testing.assert_close(wanted, logits.softmax(-1) @ value)
    torch.testing.assert_close(attention(query, key, value, bias=bias), wanted)
    if learnt:  # by plain products; each way has the gradient of the sum over what it is added to
        bias.requires_grad_()
        (gradient,) = torch.autograd.grad(
            attention(query, key, value, bias=bias).square().sum(), bias
        )
        assert gradient.shape == bias.shape
        logits = query @ key.transpose(-1, -2) / 2 + bias
        (reference,) = torch.autograd.grad((logits.softmax(-1) @ value).square().sum(), bias)
        torch.testing.assert_close(gradient, reference)


def test_scale() -> None:
    query, key, value, _ = inputs(torch.float64, bias=False)
    wanted = (query @ key.transpose(-1, -2) * 3).softmax(-1) @ value
    torch.testing.assert_close(attention(query, key, value, scale=3.0), wanted)
    learning = query.clone().requires_grad_()
    torch.testing.assert_close(attention(learning, key, value, scale=3.0).detach(), wanted)


def test_dropout_leaves_out_weights_and_keeps_their_mean() -> None:
    query, key, value, _ = inputs(torch.float32, bias=False)
    whole = attention(query, key, value)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        drawn = torch.stack([attention(query, key, value, dropout=0.3) for _ in range(4000)])
    torch.testing.assert_close(drawn.mean(0), whole, atol=0.03, rtol=0)
    # each weight w becomes 0 or w / 0.7, so the variance is Σ (w v)² 0.3 / 0.7
    weights = F.softmax(query @ key.transpose(-1, -2) / 2, dim=-1)
    expected = (weights.square() @ value.square()) * 0.3 / 0.7
    torch.testing.assert_close(drawn.var(0), expected, atol=0.02, rtol=0.2)
