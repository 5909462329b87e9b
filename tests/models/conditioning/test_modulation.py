from __future__ import annotations

import torch

from mtlplugins.models.conditioning import ConditionalModulation, conditional_modules
from tests.models._models import make_condition, perturb


def test_formula_row_by_row():
    modulation = ConditionalModulation(4, embed_dims=8)
    perturb(modulation.parameters(), std=0.5)
    condition = make_condition({2: [0, 1], 5: [1]})
    x = torch.randn(3, 4, 5, 2)
    out = modulation(x, condition)
    generator = modulation.film.generator
    for row, task in enumerate([0, 0, 1]):
        deltas = generator.weight @ condition.z[task] + generator.bias
        for channel in range(4):
            wanted = (1 + deltas[channel]) * x[row, channel] + deltas[4 + channel]
            torch.testing.assert_close(out[row, channel], wanted)


def test_starts_and_resets_to_exactly_nothing():
    modulation = ConditionalModulation(4, embed_dims=8)
    assert conditional_modules(modulation) == [modulation]
    x, condition = torch.randn(2, 4, 3, 3), make_condition({0: [0], 1: [0]})
    assert torch.equal(modulation(x, condition), x)
    perturb(modulation.parameters())
    assert not torch.equal(modulation(x, condition), x)
    modulation.reset_conditioning()
    assert torch.equal(modulation(x, condition), x)
