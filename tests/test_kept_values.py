"""What is kept between passes is never an old value."""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from mtlplugins import kept_values
from mtlplugins.kept_values import Store, keep_values, kept
from mtlplugins.models import MultiTaskModel
from tests.models._encoders import ENCODERS
from tests.models._models import images, perturb, perturb_conditioning


class Double(nn.Module):
    """Doubles a parameter, and counts how often."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = 0
        self.parameter = nn.Parameter(torch.ones(3))

    def forward(self, *facts: str) -> Tensor:
        return kept(self, self._make, [self.parameter], *facts)

    def _make(self) -> Tensor:
        self.calls += 1
        return 2 * self.parameter


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_made_once_where_it_is_asked_for(mode: Callable) -> None:
    double = Double()
    with mode():
        double(), double()
        assert double.calls == 2
        for store in ({}, {}):
            with keep_values(store):
                assert torch.equal(double(), double())
        assert double.calls == 4
        with keep_values(store):
            double()
        assert double.calls == 4
        double()
        assert double.calls == 5


@pytest.mark.parametrize(
    "change",
    [
        lambda d: d.parameter.add_(1),
        lambda d: setattr(d.parameter, "data", torch.full((3,), 2.0)),
        lambda d: setattr(d, "parameter", nn.Parameter(torch.full((3,), 2.0))),
    ],
    ids=["written to", "new data", "replaced"],
)
@torch.no_grad()
def test_made_anew_when_the_parameter_changes(change: Callable[[Double], object]) -> None:
    double = Double()
    with keep_values({}):
        double()
        change(double)
        assert torch.equal(double(), torch.full((3,), 4.0))


@torch.no_grad()
def test_made_anew_for_other_facts() -> None:
    double = Double()
    with keep_values({}):
        for fact in ("a", "a", "b", "a"):
            double(fact)
    assert double.calls == 3


@torch.no_grad()
def test_made_anew_in_another_precision() -> None:
    double = Double()
    with keep_values({}):
        double()
        with torch.autocast("cpu", dtype=torch.bfloat16):
            double()
            double()
    assert double.calls == 2


def test_nothing_is_kept_with_gradients() -> None:
    double = Double()
    with keep_values({}):
        double().sum().backward()
        double().sum().backward()
    assert double.calls == 2
    assert torch.equal(double.parameter.grad, torch.full((3,), 4.0))


@torch.no_grad()
def test_large_values_are_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_values, "LARGEST", 3 * 4 - 1)
    store: Store = {}
    with keep_values(store):
        Double()()
    assert not store


@torch.no_grad()
def test_another_thread_keeps_nothing() -> None:
    double = Double()
    with keep_values({}):
        double()
        thread = threading.Thread(target=torch.no_grad()(double))
        thread.start()
        thread.join()
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
def test_a_model_predicts_what_one_without_a_past_does(model: MultiTaskModel) -> None:
    """Through other sizes, tasks and weights, each twice."""
    shift = lambda part: lambda: perturb(p for n, p in model.named_parameters() if part in n)  # noqa: E731
    load = lambda: model.load_state_dict(  # noqa: E731
        {n: v + 0.01 for n, v in model.state_dict().items() if v.is_floating_point()}, strict=False
    )
    store: Store = {}
    for change in (lambda: None, shift("task_embedding"), shift("conditional_attention"), load):
        change()
        for inputs in (images(2), images(2), images(2, (32, 64)), images(1)):
            with keep_values(store):
                found = model(inputs)
            assert store
            for task, logits in copy.deepcopy(model)(inputs).items():
                assert torch.equal(found[task], logits)


@torch.no_grad()
def test_another_set_of_tasks(model: MultiTaskModel) -> None:
    with keep_values({}):
        whole = model(images(2))
        for tasks in (("depth",), ("semantic",), ("depth", "semantic")):
            for task, logits in model._whole(images(2), tasks).items():
                torch.testing.assert_close(logits, whole[task], atol=1e-5, rtol=1e-4)


def move(model: MultiTaskModel, by: float) -> None:
    """Write to weights past autograd, as fused optimizers and averaged models do."""
    for name, parameter in model.named_parameters():
        if "conditional_attention" in name or "bias_table" in name:
            parameter.data.add_(by)


@torch.no_grad()
def test_weights_that_change_past_autograd_between_passes(model: MultiTaskModel) -> None:
    before = model(images(1))
    move(model, 0.1)
    found = model(images(1))
    for task, logits in fresh(model, images(1)).items():
        assert torch.equal(found[task], logits)
        assert not torch.equal(found[task], before[task])


def test_a_step_of_a_fused_optimizer_in_eval(model: MultiTaskModel) -> None:
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.1, fused=True)
    for _ in range(2):
        with torch.no_grad():
            model(images(1))
        sum(logits.square().mean() for logits in model(images(1)).values()).backward()
        optimizer.step()
    with torch.no_grad():
        found = model(images(1))
    for task, logits in model(images(1)).items():
        torch.testing.assert_close(found[task], logits.detach(), atol=1e-5, rtol=1e-4)


@torch.no_grad()
def test_hooks_take_effect(model: MultiTaskModel) -> None:
    before = model(images(1))["semantic"]
    for name, module in model.named_modules():
        if name.endswith("conditional_attention"):
            module.register_forward_hook(lambda module, given, out: torch.zeros_like(out))
    assert not torch.equal(model(images(1))["semantic"], before)


@torch.no_grad()
def test_sizes_and_tasks_that_change_in_threads(model: MultiTaskModel) -> None:
    """Each thread keeps for itself, windows are kept for all."""
    sizes = ((32, 32), (32, 64), (64, 32))
    wanted = {size: fresh(model, images(1, size)) for size in sizes}
    wrong = []

    def serve(shift: int) -> None:
        with torch.no_grad(), keep_values({}):
            for i in range(30):
                size = sizes[(i + shift) % 3]
                found = model(images(1, size))
                wrong.extend(
                    task for task in found if (found[task] - wanted[size][task]).abs().max() > 1e-4
                )

    threads = [threading.Thread(target=serve, args=(shift,)) for shift in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_prediction_in_inference_mode_then_training(model: MultiTaskModel) -> None:
    store: Store = {}
    with torch.inference_mode(), keep_values(store):
        before = model(images(1))
    with torch.no_grad(), keep_values(store):
        again = model(images(1))
    for task, logits in before.items():
        assert torch.equal(logits, again[task])
    model.train()
    with keep_values(store):
        sum(logits.sum() for logits in model(images(2)).values()).backward()
    conditional = [p for n, p in model.named_parameters() if "conditional_attention" in n]
    assert conditional
    assert all(p.grad.abs().sum() > 0 for p in conditional)
