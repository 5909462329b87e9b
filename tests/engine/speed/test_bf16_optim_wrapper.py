from __future__ import annotations

import copy

import pytest
import torch
from mmengine.model import BaseModel
from mmengine.optim import build_optim_wrapper
from mmengine.registry import OPTIM_WRAPPERS
from torch import nn

from mtlplugins.engine.speed.bf16_optim_wrapper import Bf16OptimWrapper


class Line(BaseModel):
    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(4, 2)

    def forward(self, inputs: torch.Tensor, mode: str = "tensor") -> dict[str, torch.Tensor]:
        return {"loss": self.linear(inputs).float().square().mean()}


@pytest.fixture
def model() -> Line:
    torch.manual_seed(0)
    return Line()


@pytest.fixture
def batches() -> torch.Tensor:
    return torch.randn(3, 5, 4, generator=torch.Generator().manual_seed(1))


def wrap(model: nn.Module, **settings: int) -> Bf16OptimWrapper:
    optimizer = {"type": "AdamW", "lr": 0.01}
    wrapper = {"type": "Bf16OptimWrapper", "optimizer": optimizer, **settings}
    return build_optim_wrapper(model, wrapper)


def step_by_hand(model: Line, batches: torch.Tensor) -> None:
    """One AdamW step on the mean loss of the batches under plain autocast."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
    for batch in batches:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            outputs = model.linear(batch)
        assert outputs.dtype == torch.bfloat16
        (outputs.float().square().mean() / len(batches)).backward()
    optimizer.step()


def test_it_is_registered() -> None:
    assert OPTIM_WRAPPERS.get("Bf16OptimWrapper") is Bf16OptimWrapper


def test_only_the_context_computes_in_bfloat16(model: Line, batches: torch.Tensor) -> None:
    wrapper = wrap(model)
    with wrapper.optim_context(model):
        inside = model.linear(batches[0])
    outside = model.linear(batches[0])
    assert inside.dtype == torch.bfloat16
    assert outside.dtype == torch.float32
    torch.testing.assert_close(inside.float(), outside, rtol=0, atol=0.05)
    assert not torch.equal(inside.float(), outside)


def test_a_step_equals_plain_autocast(model: Line, batches: torch.Tensor) -> None:
    reference, start = copy.deepcopy(model), copy.deepcopy(model.state_dict())
    wrapper = wrap(model)
    model.train_step({"inputs": batches[0]}, wrapper)
    step_by_hand(reference, batches[:1])
    for name, weights in model.state_dict().items():
        assert torch.equal(weights, reference.state_dict()[name])
        assert not torch.equal(weights, start[name])
        assert weights.dtype == torch.float32
    moments = wrapper.optimizer.state[model.linear.weight]
    assert moments["exp_avg"].dtype == torch.float32


def test_gradients_accumulate(model: Line, batches: torch.Tensor) -> None:
    reference, start = copy.deepcopy(model), copy.deepcopy(model.state_dict())
    wrapper = wrap(model, accumulative_counts=3)
    for batch in batches[:2]:
        model.train_step({"inputs": batch}, wrapper)
        assert torch.equal(model.linear.weight, start["linear.weight"])
        assert model.linear.weight.grad.dtype == torch.float32
    model.train_step({"inputs": batches[2]}, wrapper)
    step_by_hand(reference, batches)
    for name, weights in model.state_dict().items():
        torch.testing.assert_close(weights, reference.state_dict()[name], rtol=0, atol=1e-7)
