from __future__ import annotations

import pytest
import torch

from mtlplugins.models.conditioning import FiLM
from tests.models._models import perturb


def test_fresh_film_is_the_identity():
    scale, shift = FiLM(6, 4)(torch.randn(3, 6))
    assert torch.equal(scale, torch.ones(3, 4))
    assert torch.equal(shift, torch.zeros(3, 4))


def test_scale_and_shift_by_hand():
    film = FiLM(2, 2)
    with torch.no_grad():  # rows: Δγ of both features, then Δβ of both
        film.generator.weight.copy_(torch.tensor([[1.0, 0], [0, 2], [3, 0], [0, 4]]))
        film.generator.bias.copy_(torch.tensor([0.1, 0.2, 0.3, 0.4]))
    scale, shift = film(torch.tensor([[1.0, 10.0], [2.0, 0.0]]))
    assert scale.tolist() == [pytest.approx([2.1, 21.2]), pytest.approx([3.1, 1.2])]
    assert shift.tolist() == [pytest.approx([3.3, 40.4]), pytest.approx([6.3, 0.4])]


def test_reset_goes_back_to_the_identity():
    film = FiLM(6, 4)
    perturb(film.parameters())
    assert film(torch.randn(3, 6))[1].abs().max() > 0.01
    film.reset_parameters()
    scale, shift = film(torch.randn(3, 6))
    assert (scale == 1).all()
    assert (shift == 0).all()
