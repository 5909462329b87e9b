"""What is kept between passes is never an old value."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from mtlplugins.models import MultiTaskModel
from mtlplugins.models.layers import Cached
from tests.models._encoders import ENCODERS
from tests.models._models import images, perturb, perturb_conditioning


class Counter:
    """Doubles a parameter, and counts how often."""

    def __init__(self) -> None:
        self.calls = 0
        self.parameter = nn.Parameter(torch.ones(3))
        self.cached: Cached[Tensor] = Cached()

    def __call__(self, *facts: str) -> Tensor:
        return self.cached.get(self._make, [self.parameter], *facts)

    def _make(self) -> Tensor:
        self.calls += 1
        return 2 * self.parameter


@torch.no_grad()
def test_made_once_while_nothing_changes():
    double = Counter()
    assert torch.equal(double(), double())
    assert double.calls == 1


@pytest.mark.parametrize(
    "change",
    [
        lambda d: d.parameter.add_(1),
        lambda d: setattr(d.parameter, "data", torch.full((3,), 2.0)),
        lambda d: setattr(d, "parameter", nn.Parameter(torch.full((3,), 2.0))),
        lambda d: (d.parameter.data.add_(1), d.cached.clear()),
    ],
    ids=["written to", "new data", "replaced", "past autograd, and cleared"],
)
@torch.no_grad()
def test_made_anew_when_the_parameter_changes(change: Callable[[Counter], object]):
    double = Counter()
    double()
    change(double)
    assert torch.equal(double(), torch.full((3,), 4.0))


@torch.no_grad()
def test_made_anew_for_other_facts():
    double = Counter()
    for fact in ("a", "a", "b", "a"):
        double(fact)
    assert double.calls == 3


@torch.no_grad()
def test_made_anew_in_another_precision():
    double = Counter()
    double()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        double()
        double()
    assert double.calls == 2


def test_nothing_is_kept_with_gradients():
    double = Counter()
    double().sum().backward()
    double().sum().backward()
    assert double.calls == 2
    assert torch.equal(double.parameter.grad, torch.full((3,), 4.0))


def test_nothing_of_inference_mode_is_kept():
    """Its tensors know no version, and cannot be used in training."""
    double = Counter()
    for _ in range(2):
        with torch.inference_mode():
            double()
    assert double.calls == 2


@torch.no_grad()
def test_parameters_of_inference_mode_are_read_each_time():
    with torch.inference_mode():
        double = Counter()
    assert torch.equal(double(), double())
    assert double.calls == 2


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda c: pickle.loads(pickle.dumps(c))])
@torch.no_grad()
def test_copies_start_empty(copied: Callable[[Cached], Cached]):
    double = Counter()
    double()
    double.cached = copied(double.cached)
    double()
    assert double.calls == 2


@pytest.fixture(params=["Swin", "ViT"])
def model(request: pytest.FixtureRequest) -> MultiTaskModel:
    make, plan = ENCODERS[request.param]
    made = make(plan)
    perturb_conditioning(made)
    return made.eval()


def fresh(model: MultiTaskModel, inputs: Tensor) -> dict[str, Tensor]:
    """What a copy that has kept nothing predicts."""
    return copy.deepcopy(model)(inputs)


@torch.no_grad()
def test_a_model_predicts_what_one_without_a_past_does(model: MultiTaskModel):
    """Through other sizes, tasks and weights, each twice."""
    shift = lambda part: lambda: perturb(p for n, p in model.named_parameters() if part in n)  # noqa: E731
    load = lambda: model.load_state_dict(  # noqa: E731
        {n: v + 0.01 for n, v in model.state_dict().items() if v.is_floating_point()}, strict=False
    )
    for change in (lambda: None, shift("task_embedding"), shift("conditional_attention"), load):
        change()
        for inputs in (images(2), images(2), images(2, (32, 64)), images(1)):
            found = model(inputs)
            for task, logits in fresh(model, inputs).items():
                assert torch.equal(found[task], logits)


@torch.no_grad()
def test_another_set_of_tasks(model: MultiTaskModel):
    whole = model(images(2))
    for tasks in (("depth",), ("semantic",), ("depth", "semantic")):
        for task, logits in model._whole(images(2), tasks).items():
            torch.testing.assert_close(logits, whole[task], atol=1e-5, rtol=1e-4)


def test_weights_swapped_past_autograd_between_loops(model: MultiTaskModel):
    """As EMAHook does: ``data.copy_`` behind which the loop calls ``eval``."""
    with torch.no_grad():
        before = model(images(1))
        for n, p in model.named_parameters():
            if "conditional_attention" in n or "bias_table" in n:
                p.data.add_(0.1)
        model.eval()
        found = model(images(1))
        for task, logits in fresh(model, images(1)).items():
            assert torch.equal(found[task], logits)
            assert not torch.equal(found[task], before[task])


def test_prediction_in_inference_mode_then_training(model: MultiTaskModel):
    with torch.inference_mode():
        before = model(images(1))
    with torch.no_grad():
        again = model(images(1))
    for task, logits in before.items():
        assert torch.equal(logits, again[task])
    model.train()
    sum(logits.sum() for logits in model(images(2)).values()).backward()
    kept = [p for n, p in model.named_parameters() if "conditional_attention" in n]
    assert kept
    assert all(p.grad.abs().sum() > 0 for p in kept)
