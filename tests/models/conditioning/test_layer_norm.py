from __future__ import annotations

import torch
from torch import nn

from mtlplugins.models.conditioning import ConditionalLayerNorm
from tests.models._models import make_condition, perturb


def test_formula_row_by_row():
    norm = ConditionalLayerNorm(6, embed_dims=8, eps=1e-3)
    perturb(norm.parameters(), std=0.5)
    condition = make_condition({2: [0, 1], 5: [1]})
    x = torch.randn(3, 4, 6) * 3 + 1
    out = norm(x, condition)
    for row, task in enumerate([0, 0, 1]):
        deltas = norm.film.generator.weight @ condition.z[task] + norm.film.generator.bias
        for token in range(4):
            v = x[row, token]
            normalised = (v - v.mean()) / (v.var(unbiased=False) + 1e-3).sqrt()
            wanted = (1 + deltas[:6]) * norm.weight * normalised + (norm.bias + deltas[6:])
            torch.testing.assert_close(out[row, token], wanted)


def test_fresh_norm_equals_the_plain_one_whose_weights_it_loads():
    plain = nn.LayerNorm(6)
    perturb(plain.parameters())
    norm = ConditionalLayerNorm(6, embed_dims=8)
    found = norm.load_state_dict(plain.state_dict(), strict=False)
    assert found.unexpected_keys == []
    assert set(found.missing_keys) == {"film.generator.weight", "film.generator.bias"}
    x = torch.randn(3, 4, 6)
    torch.testing.assert_close(norm(x, make_condition({0: [0, 1], 1: [1]})), plain(x))


def test_reset_keeps_gain_and_bias():
    norm = ConditionalLayerNorm(6, embed_dims=8)
    perturb(norm.parameters())
    weight, bias = norm.weight.clone(), norm.bias.clone()
    norm.reset_conditioning()
    assert torch.equal(norm.weight, weight)
    assert torch.equal(norm.bias, bias)
    assert (norm.film.generator.weight == 0).all()
