"""Weights that are learned from gradient norms."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from mtlplugins.models.balancing import GradNorm
from tests.models.balancing.test_aggregators import make


def step(method: GradNorm, losses: list[float], norms: list[float]) -> Tensor:
    """One training step of tasks with orthogonal gradients; returns the weights of the next."""
    named = dict(zip(method.tasks, torch.tensor(losses), strict=True))
    weights = torch.tensor([float(w) for w in method(named).values()], dtype=torch.float64)
    rows = (weights * torch.tensor(norms, dtype=torch.float64)).diag()
    torch.testing.assert_close(method.combine(rows.clone()), rows.sum(0))
    return method.loss_weights.clone()


def test_by_hand() -> None:
    method = make("GradNorm", 2, alpha=1.0, lr=0.1)
    # norms 3 and 1 of a mean of 2, both above and below: slopes 3/2 and -1/2
    found = step(method, [4.0, 2.0], [3.0, 1.0])
    expected = torch.tensor([0.85, 1.05], dtype=torch.float64) * 2 / 1.9
    torch.testing.assert_close(found, expected)
    # the losses fell to 1 and 1/2 of the first ones: rates 4/3 and 2/3 of their mean
    before = found
    norms = before * torch.tensor([3.0, 1.0], dtype=torch.float64)
    targets = norms.mean() * torch.tensor([4 / 3, 2 / 3], dtype=torch.float64)
    moved = before - 0.1 * (norms - targets).sign() * norms / norms.mean() / before
    found = step(method, [4.0, 1.0], [3.0, 1.0])
    torch.testing.assert_close(found, moved * 2 / moved.sum())


def test_norms_become_equal_in_the_long_run() -> None:
    method = make("GradNorm", 3, alpha=0.0, lr=0.01)
    norms = torch.tensor([1.0, 4.0, 0.5], dtype=torch.float64)
    for _ in range(400):
        weights = step(method, [1.0, 1.0, 1.0], norms.tolist())
    balanced = 1 / norms
    torch.testing.assert_close(weights, 3 * balanced / balanced.sum(), rtol=0.1, atol=0)
    assert weights.sum().item() == pytest.approx(3)


@pytest.mark.parametrize("scale", [1e-10, 1e10])
def test_the_units_of_gradients_and_losses_do_not_matter(scale: float) -> None:
    one, other = make("GradNorm"), make("GradNorm")
    for number in range(5):
        losses = [1.0 + number, 2.0, 3.0 - number / 2]
        norms = [1.0, 0.2 * number + 0.1, 3.0]
        wanted = step(one, losses, norms)
        found = step(other, [losses[0] * 1e3, *losses[1:]], [n * scale for n in norms])
        torch.testing.assert_close(found, wanted)


def test_the_configs_weights_multiply() -> None:
    plain, tripled = make("GradNorm"), make("GradNorm", task_weights=dict(t1=3.0))
    for _ in range(3):
        wanted = step(plain, [1.0, 2.0, 3.0], [1.0, 2.0, 0.5])
        found = step(tripled, [1.0, 2.0, 3.0], [1.0, 2.0, 0.5])
        torch.testing.assert_close(found, wanted)
    weights = tripled({"t1": torch.tensor(1.0)})
    assert float(weights["t1"]) == pytest.approx(3 * float(wanted[1]))


def test_an_absent_task_keeps_its_weight() -> None:
    method = make("GradNorm")
    before = step(method, [1.0, 2.0, 3.0], [1.0, 2.0, 4.0])
    found = step(method, [1.0, 0.0, 3.0], [1.0, 0.0, 4.0])
    assert found[1] == before[1]
    assert found[0] > before[0]
    assert found.sum().item() == pytest.approx(3)


def test_weights_stay_positive() -> None:
    method = make("GradNorm", 2, lr=10.0)
    for _ in range(5):
        assert (step(method, [1.0, 1.0], [1e6, 1.0]) > 0).all()


def test_bad_options() -> None:
    with pytest.raises(ValueError, match=r"GradNorm: alpha=-1 must not be below 0"):
        make("GradNorm", alpha=-1)
    with pytest.raises(ValueError, match=r"GradNorm: lr=0 must be above 0"):
        make("GradNorm", lr=0)
    with pytest.raises(ValueError, match=r"GradNorm: at='maps': give 'parameters' or 'features'"):
        make("GradNorm", at="maps")
    with pytest.raises(ValueError, match=r"GradDrop draws a sign.*take at='parameters'"):
        make("GradDrop", at="features")
