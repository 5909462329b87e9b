"""Weights from losses are the derivatives of what each method minimises."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from mtlplugins.models.balancing import METHODS, UWSO, Balancing, Fixed, Geometric, Log
from tests.models._models import PLANS, images, make_model, make_sample

TASKS = ("a", "b", "c")
WEIGHTS = dict(a=2.0, c=0.5)
FACTORS = torch.tensor([2.0, 1.0, 0.5], dtype=torch.float64)
LOSSES = torch.tensor([0.7, 3.0, 0.02], dtype=torch.float64)

#: What the total is as a function of the losses (K,) and weights (K,), for autograd.
OBJECTIVES: dict[type[Balancing], Callable[[Tensor, Tensor], Tensor]] = {
    Fixed: lambda losses, w: (w * losses).sum(),
    Log: lambda losses, w: (w * losses.log()).sum(),
    Geometric: lambda losses, w: losses.pow(w).prod().pow(1 / w.sum()),
    UWSO: lambda losses, w: ((1 / (w * losses)).softmax(0).detach() * w * losses).sum(),
}
METHOD = pytest.mark.parametrize("method", OBJECTIVES)


def weights_of(method: type[Balancing], losses: Tensor, **settings: object) -> Tensor:
    balancing = method(TASKS, task_weights=WEIGHTS, **settings)
    found = balancing(dict(zip(TASKS, losses, strict=True)))
    assert list(found) == list(TASKS)
    return torch.stack([torch.as_tensor(found[task], dtype=torch.float64) for task in TASKS])


def test_the_methods_can_be_named() -> None:
    assert {method.__name__ for method in OBJECTIVES} <= set(METHODS)


@METHOD
def test_weights_are_the_derivatives_of_the_objective(method: type[Balancing]) -> None:
    losses = LOSSES.clone().requires_grad_()
    (wanted,) = torch.autograd.grad(OBJECTIVES[method](losses, FACTORS), losses)
    torch.testing.assert_close(weights_of(method, LOSSES), wanted, rtol=1e-6, atol=1e-30)


@METHOD
@pytest.mark.parametrize("absent", [0, 1, 2])
def test_a_task_without_a_target_takes_no_part(method: type[Balancing], absent: int) -> None:
    kept = [i for i in range(3) if i != absent]
    losses = LOSSES.clone()
    losses[absent] = 0
    alone = losses[kept].clone().requires_grad_()
    (wanted,) = torch.autograd.grad(OBJECTIVES[method](alone, FACTORS[kept]), alone)
    found = weights_of(method, losses)
    torch.testing.assert_close(found[kept], wanted, rtol=1e-6, atol=1e-30)
    assert found.isfinite().all()


@METHOD
def test_no_task_at_all_and_a_loss_that_is_not_finite(method: type[Balancing]) -> None:
    assert weights_of(method, torch.zeros(3)).isfinite().all()
    broken = LOSSES.clone()
    broken[1] = torch.nan
    assert (weights_of(method, broken) * broken).sum().isnan()


@pytest.mark.parametrize("method", [Log, Geometric])
def test_the_scale_of_a_loss_does_not_matter(method: type[Balancing]) -> None:
    scale = torch.tensor([1e-6, 1.0, 1e4], dtype=torch.float64)
    shares = [weights_of(method, x) * x for x in (LOSSES, LOSSES * scale)]
    torch.testing.assert_close(*(x / x.sum() for x in shares), rtol=1e-6, atol=1e-30)


def test_uw_so_by_hand() -> None:
    found = UWSO(("a", "b"), temperature=2.0)(dict(a=torch.tensor(0.5), b=torch.tensor(1.0)))
    # softmax of 1 and 1/2
    assert found["a"].item() == pytest.approx(1 / (1 + 2.718281828**-0.5), rel=1e-6)
    assert found["b"].item() == pytest.approx(1 - found["a"].item(), rel=1e-6)
    with pytest.raises(ValueError, match=r"UWSO: temperature=0: give a number above 0"):
        UWSO(("a", "b"), temperature=0)


def test_a_model_uses_the_method() -> None:
    model = make_model(PLANS["attention"], balancing=dict(type="Geometric"))
    samples = [make_sample("semantic", "depth", seed=1)]
    total, logged = model.parse_losses(model.loss(images(1), samples))
    product = logged["semantic_loss"] * logged["depth_loss"]
    torch.testing.assert_close(total, product.sqrt())
    assert logged["scene_weight"] == 0
    assert not [name for name in model.state_dict() if "balancing" in name]
