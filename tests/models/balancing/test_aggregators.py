"""Combining the gradients of tasks: values, scales, conflicts, absent tasks, failures."""

from __future__ import annotations

import sys
from typing import Any

import pytest
import torch
from mmseg.registry import MODELS
from torch import Tensor
from torchjd import aggregation
from torchjd.linalg import QuadprogProjector

from mtlplugins.models.balancing import METHODS, GradientBalancing

KINDS = [m for m in METHODS if issubclass(MODELS.get(m), GradientBalancing)]
#: Their results conflict with no task.
NON_CONFLICTING = ["UPGrad", "DualProj", "MGDA", "ConFIG", "FairGrad", "NashMTL"]
PROJECTOR = QuadprogProjector(norm_eps=0.0, reg_eps=1e-9)


def make(kind: str, count: int = 3, **settings: Any) -> GradientBalancing:
    torch.manual_seed(0)
    return MODELS.build(dict(type=kind, tasks=[f"t{i}" for i in range(count)], **settings))


def conflicting(seed: int = 0, count: int = 3) -> Tensor:
    """Rows of which some have angles above 90 degrees, and lengths of one order."""
    generator = torch.Generator().manual_seed(seed)
    rows = torch.randn(count, 12, generator=generator, dtype=torch.float64)
    rows[1] -= 1.5 * rows[0]
    assert (rows @ rows.T).min() < 0
    return rows


def combined(kind: str, rows: Tensor, **settings: Any) -> Tensor:
    return make(kind, len(rows), **settings).combine(rows.clone())


def test_all_twelve_are_tested() -> None:
    assert len(KINDS) == 12


@pytest.mark.parametrize(
    ("kind", "reference"),
    [
        ("UPGrad", aggregation.UPGrad(projector=PROJECTOR)),
        ("DualProj", aggregation.DualProj(projector=PROJECTOR)),
        ("MGDA", aggregation.MGDA(epsilon=1e-6, max_iters=1000)),
        ("IMTLG", aggregation.IMTLG()),
        ("AlignedMTL", aggregation.AlignedMTL()),
        ("ConFIG", aggregation.ConFIG()),
        ("FairGrad", aggregation.FairGrad(alpha=2.0)),
    ],
)
def test_as_torchjd_where_its_thresholds_do_not_matter(kind: str, reference: Any) -> None:
    for seed in range(5):
        rows = conflicting(seed)
        rows /= rows.norm(dim=1).square().mean().sqrt()  # FairGrad's equation has a scale
        torch.testing.assert_close(combined(kind, rows), reference(rows), rtol=1e-4, atol=1e-5)


def test_upgrad_by_hand() -> None:
    """Each row loses its part along the other, and the mean is taken."""
    rows = torch.tensor([[1.0, 0.0], [-1.0, 1.0]], dtype=torch.float64)
    # [1, 0] becomes [0.5, 0.5], [-1, 1] becomes [0, 1]
    expected = torch.tensor([0.25, 0.75], dtype=torch.float64)
    torch.testing.assert_close(combined("UPGrad", rows), expected, atol=1e-6, rtol=0)


def test_pcgrad_by_hand() -> None:
    rows = torch.tensor([[1.0, 0.0], [-1.0, 1.0]], dtype=torch.float64)
    expected = torch.tensor([0.5, 1.5], dtype=torch.float64)
    torch.testing.assert_close(combined("PCGrad", rows), expected)


def test_fairgrad_solves_its_equation() -> None:
    rows = conflicting()
    rows /= rows.norm(dim=1).square().mean().sqrt()  # the scale in which it is solved
    weights = torch.linalg.lstsq(rows.T, combined("FairGrad", rows, alpha=2.0)).solution
    torch.testing.assert_close(rows @ rows.T @ weights, weights**-0.5, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("small", [1.0, 1e-10])
def test_nash_bargains(small: float) -> None:
    rows = conflicting() * torch.tensor([[small], [1.0], [1.0]], dtype=torch.float64)
    found = combined("NashMTL", rows)
    scale = rows.norm(dim=1).square().mean().sqrt()
    weights = torch.linalg.lstsq((rows / rows.norm(dim=1, keepdim=True)).T, found).solution
    gains = rows / rows.norm(dim=1, keepdim=True) @ found  # of unit rows: no length matters
    torch.testing.assert_close(weights * gains / scale**2, torch.ones_like(gains))
    torch.testing.assert_close(found.norm(), scale * 3**0.5)


def test_opposite_gradients_have_a_bargain_of_nothing() -> None:
    rows = torch.tensor([[1.0, 0.0], [-1.0, 0.0]], dtype=torch.float64)
    for kind in ("NashMTL", "FairGrad", "CAGrad"):
        method = make(kind, 2)
        assert method.combine(rows.clone()).abs().max() < 1e-3, kind
        assert method.failures == 0


@pytest.mark.parametrize("radius", [0.2, 0.5, 1.0, 2.0])
def test_cagrad_helps_the_worst_task_most(radius: float) -> None:
    """Nothing on the circle around the mean gives the worst task a larger gain, nor does zero."""
    angles = torch.arange(0, 2 * torch.pi, 1e-4, dtype=torch.float64)
    circle = torch.stack([angles.cos(), angles.sin()], 1)
    for rows in ([[1.0, 0.0], [-1.0, 1.0]], [[2.0, 0.3], [-1.0, 0.5], [0.0, -0.1]]):
        rows = torch.tensor(rows, dtype=torch.float64)
        mean = rows.mean(0)
        found = combined("CAGrad", rows, c=radius)
        best = ((mean + radius * mean.norm() * circle) @ rows.T).min(1).values.max()
        best = best.clamp(min=0) if radius >= 1 else best
        assert (found - mean).norm() <= radius * mean.norm() * (1 + 1e-6)
        # the circle has steps of 1e-4
        torch.testing.assert_close((rows @ found).min(), best, rtol=0, atol=2e-4)


def test_cagrad_with_a_large_radius_conflicts_with_no_task() -> None:
    for seed in range(5):
        rows = conflicting(seed)
        assert (rows @ combined("CAGrad", rows, c=1.0)).min() > -1e-6


def test_graddrop_keeps_one_sign_of_each_number() -> None:
    rows = conflicting()
    found = combined("GradDrop", rows)
    positive, negative = rows.clamp(min=0).sum(0), rows.clamp(max=0).sum(0)
    is_one = (found - positive).abs().minimum((found - negative).abs())
    torch.testing.assert_close(is_one, torch.zeros_like(is_one), atol=1e-12, rtol=0)
    assert (found > 0).any()
    assert (found < 0).any()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("scale", [1e-10, 1e-5, 1e5, 1e10])
def test_gradients_as_large_give_a_result_as_large(kind: str, scale: float) -> None:
    """TorchJD's own UPGrad, DualProj and CAGrad change below a norm of 0.01."""
    rows = conflicting()
    expected = combined(kind, rows)
    torch.testing.assert_close(combined(kind, rows * scale) / scale, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("kind", NON_CONFLICTING)
@pytest.mark.parametrize("small", [1.0, 1e-2, 1e-5, 1e-10])
def test_no_conflict_with_a_task_however_small_its_gradient(kind: str, small: float) -> None:
    """TorchJD's own UPGrad no longer protects a task of a twentieth of another's gradient."""
    for seed in range(5):
        rows = conflicting(seed) * torch.tensor([[small], [1.0], [1.0]], dtype=torch.float64)
        found = combined(kind, rows)
        cosines = rows @ found / rows.norm(dim=1) / found.norm()
        assert cosines.min() > -1e-6, (seed, cosines)


@pytest.mark.parametrize("kind", KINDS)
def test_a_task_without_a_gradient_is_left_out(kind: str) -> None:
    rows = conflicting(count=2)
    with_zeros = torch.stack([rows[0], torch.zeros_like(rows[0]), rows[1]])
    expected = combined(kind, rows)
    assert expected.norm() > 0
    torch.testing.assert_close(combined(kind, with_zeros), expected)
    nothing = combined(kind, torch.zeros_like(rows))
    assert torch.equal(nothing, torch.zeros_like(nothing))


@pytest.mark.parametrize("kind", KINDS)
def test_one_task_that_is_left_keeps_its_direction(kind: str) -> None:
    rows = torch.zeros(3, 4, dtype=torch.float64)
    rows[1] = torch.tensor([1.0, -2.0, 0.0, 3.0])
    found = combined(kind, rows)
    torch.testing.assert_close(found / found.norm(), rows[1] / rows[1].norm())


@pytest.mark.parametrize("kind", KINDS)
def test_the_state_makes_a_resumed_run_continue_alike(kind: str) -> None:
    drawn = [conflicting(seed) for seed in range(6)]
    one, other = make(kind), make(kind)
    other.seed.fill_(1)
    for rows in drawn[:3]:
        one.combine(rows.clone())
    other.load_state_dict(one.state_dict())
    for rows in drawn[3:]:
        assert torch.equal(one.combine(rows.clone()), other.combine(rows.clone()))


def test_random_methods_draw_anew_and_leave_the_random_state_alone() -> None:
    for kind in ("PCGrad", "GradDrop"):
        method = make(kind)
        state = torch.get_rng_state()
        found = torch.stack([method.combine(conflicting()) for _ in range(12)])
        assert len(found.unique(dim=0)) > 1
        assert torch.equal(torch.get_rng_state(), state)


def test_a_solver_that_fails_uses_its_last_weights(monkeypatch, caplog) -> None:
    method = make("UPGrad")
    rows = conflicting()
    first = method.combine(rows.clone())

    def fail(*_: Any) -> Tensor:
        raise ValueError("Failed to solve the quadratic programming problem.")

    monkeypatch.setattr(type(method), "weights", fail)
    torch.testing.assert_close(method.combine(rows.clone()), first)
    monkeypatch.setattr(type(method), "weights", lambda *_: torch.full((3,), float("nan")))
    torch.testing.assert_close(method.combine(rows.clone()), first)
    assert method.failures == 2
    fresh = make("PCGrad")
    monkeypatch.setattr(type(fresh), "weights", fail)
    torch.testing.assert_close(fresh.combine(rows.clone()), rows.mean(0))


@pytest.mark.parametrize("kind", KINDS)
def test_a_gradient_that_is_not_finite_stays_to_be_found(kind: str, monkeypatch) -> None:
    said: list[str] = []
    monkeypatch.setattr(
        "mtlplugins.models.balancing.gradient_balancing.print_log",
        lambda text, *_: said.append(text),
    )
    rows = conflicting()
    rows[1, 3] = float("nan")
    method = make(kind)
    assert method.combine(rows).isnan().any()
    assert method.failures == 0
    assert said == ["the gradient of task 't1' with respect to the parameters is not finite"]


@pytest.mark.parametrize(
    ("kind", "gone", "line"),
    [
        ("UPGrad", "quadprog", r'pip install "torchjd\[quadprog-projector\]>=0\.18,<0\.19"'),
        ("DualProj", "quadprog", "quadprog-projector"),
        ("CAGrad", "quadprog", r'CAGrad needs a package.*pip install "mtlplugins\[balancing\]"'),
        ("MGDA", "torchjd", r'MGDA needs a package.*pip install "torchjd>=0\.18,<0\.19"'),
    ],
)
def test_a_missing_package(monkeypatch, kind: str, gone: str, line: str) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == gone]:
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setitem(sys.modules, gone, None)
    with pytest.raises(ImportError, match=line):
        make(kind)
