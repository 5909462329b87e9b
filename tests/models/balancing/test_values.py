"""The weights of each method, against figures by hand and gradients of TorchJD's scalarizers."""

from __future__ import annotations

import math

import pytest
import torch
from mmseg.registry import MODELS
from torch import Tensor
from torchjd import scalarization

from mtlplugins.models.balancing import LossBalancing

LOSSES = torch.tensor([2.0, 0.5, 4.0], dtype=torch.float64)


def make(kind: str, count: int = 3, **options) -> LossBalancing:
    tasks = [f"t{i}" for i in range(count)]
    return MODELS.build(dict(type=kind, tasks=tasks, **options)).double()


def weights(method: LossBalancing, losses: Tensor) -> Tensor:
    found = method(dict(zip(method.tasks, losses, strict=True)))
    return torch.stack(list(found.values())).detach()


def derivative(scalarizer, losses: Tensor) -> Tensor:
    leaf = losses.clone().requires_grad_()
    return torch.autograd.grad(scalarizer(leaf), leaf)[0]


@pytest.mark.parametrize(
    ("kind", "options", "losses", "expected"),
    [
        ("Uncertainty", {}, [2.0, 0.5, 4.0], [0.5, 0.5, 0.5]),
        ("STCH", dict(mu=0.5), [1.0, 1.0 + math.log(3)], [0.125, 0.375]),
        ("FAMO", {}, [2.0, 0.5], [0.2, 0.8]),
        ("DWA", dict(interval=1), [2.0, 0.5], [1.0, 1.0]),
        ("FAMO", dict(task_weights=dict(t1=3.0)), [2.0, 0.5], [0.2, 2.4]),
    ],
)
def test_by_hand(kind: str, options: dict, losses: list[float], expected: list[float]) -> None:
    found = weights(make(kind, len(losses), **options), torch.tensor(losses, dtype=torch.float64))
    torch.testing.assert_close(
        found, torch.tensor(expected, dtype=torch.float64), atol=1e-7, rtol=0
    )


@pytest.mark.parametrize(
    ("kind", "options", "scalarizer"),
    [
        ("STCH", dict(mu=0.7), scalarization.STCH(0.7)),
        ("FAMO", {}, scalarization.FAMO(3).double()),
        ("Uncertainty", {}, scalarization.UW(3).double()),
    ],
)
def test_as_torchjd(kind: str, options: dict, scalarizer) -> None:
    found = weights(make(kind, **options), LOSSES)
    torch.testing.assert_close(found, derivative(scalarizer, LOSSES))


def test_learned_uncertainties_as_torchjd() -> None:
    ours, theirs = make("Uncertainty"), scalarization.UW(3).double()
    with torch.no_grad():
        for s in (ours.log_variance, theirs.log_var):
            s.copy_(torch.tensor([0.3, -1.0, 0.0]))
    given = dict(zip(ours.tasks, LOSSES, strict=True))
    sum(w * given[task] for task, w in ours(given).items()).backward()
    theirs(LOSSES).backward()
    torch.testing.assert_close(ours.log_variance.grad, theirs.log_var.grad)
    torch.testing.assert_close(weights(ours, LOSSES), derivative(theirs, LOSSES))


def test_dwa_over_five_epochs_as_torchjd() -> None:
    ours, theirs = make("DWA", interval=2, temperature=0.5), scalarization.DWA(0.5)
    drawn = torch.rand(10, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    seen = []
    for step, losses in enumerate(drawn):
        expected = derivative(theirs, losses)
        torch.testing.assert_close(weights(ours, losses), expected)
        seen.append(expected)
        if step % 2:
            theirs.step()
    assert not torch.allclose(seen[-1], torch.ones_like(seen[-1]))


def test_famo_over_five_steps_as_torchjd() -> None:
    ours, theirs = make("FAMO"), scalarization.FAMO(3).double()
    drawn = torch.rand(5, 2, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    for before, after in drawn:
        expected = derivative(theirs, before)
        torch.testing.assert_close(weights(ours, before), expected)
        ours.after_update(dict(zip(ours.tasks, after, strict=True)))
        theirs.update(after)
    torch.testing.assert_close(ours.logits, theirs._w.detach())
    assert ours.logits.abs().max() > 0.04


def test_random_weights_are_drawn_anew_and_add_up_to_one() -> None:
    method = make("Random")
    drawn = torch.stack([weights(method, LOSSES) for _ in range(2000)])
    torch.testing.assert_close(drawn.sum(1), torch.ones(2000, dtype=torch.float64))
    assert drawn.unique(dim=0).shape == (2000, 3)
    # by symmetry the mean is 1/3; a standard deviation of one weight is below 0.25
    torch.testing.assert_close(
        drawn.mean(0), torch.full((3,), 1 / 3, dtype=torch.float64), atol=0.025, rtol=0
    )
