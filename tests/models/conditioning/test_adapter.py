from __future__ import annotations

import math

import torch

from mtlplugins.models.conditioning import ConditionalAdapter
from tests.models._models import make_condition, perturb


def test_formula_row_by_row():
    adapter = ConditionalAdapter(6, embed_dims=8, bottleneck=3)
    perturb(adapter.parameters(), std=0.5)
    condition = make_condition({2: [0], 5: [1, 0]})
    x = torch.randn(3, 4, 6)
    out = adapter(x, condition)
    for row, task in enumerate([0, 1, 1]):
        z = condition.z[task]
        first = adapter.film_down.generator.weight @ z + adapter.film_down.generator.bias
        second = adapter.film_up.generator.weight @ z + adapter.film_up.generator.bias
        for token in range(4):
            hidden = adapter.down.weight @ x[row, token] + adapter.down.bias
            hidden = (1 + first[:3]) * hidden + first[3:]
            hidden = 0.5 * hidden * (1 + torch.erf(hidden / math.sqrt(2)))  # GELU
            wanted = adapter.up.weight @ hidden + adapter.up.bias
            wanted = (1 + second[:6]) * wanted + second[6:]
            torch.testing.assert_close(out[row, token], wanted)


def test_starts_and_resets_to_nothing():
    adapter = ConditionalAdapter(6, embed_dims=8)
    assert adapter.down.out_features == 128
    condition = make_condition({0: [0], 1: [0]})
    x = torch.randn(2, 4, 6)
    assert (adapter(x, condition) == 0).all()
    perturb(adapter.parameters())
    assert (adapter(x, condition) != 0).any()
    adapter.reset_conditioning()
    assert (adapter(x, condition) == 0).all()
    assert (adapter.down.weight != 0).all()
