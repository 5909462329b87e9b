"""A compiled encoder computes what the plain one does."""

from __future__ import annotations

import copy
from types import SimpleNamespace

import pytest
import torch
from mmengine.model import MMDistributedDataParallel

from mtlplugins.engine import CompileHook
from mtlplugins.models import MultiTaskModel
from tests.models._encoders import ENCODERS
from tests.models._models import images, make_sample, perturb_conditioning

TASKS = (("semantic", "depth", "scene"), ("semantic", "scene"))  # targets of two images


def compiled(model: MultiTaskModel, **options) -> MultiTaskModel:
    """A copy whose encoder has to become one graph; its kernels are PyTorch's own."""
    model = copy.deepcopy(model)
    CompileHook(backend="aot_eager", fullgraph=True, **options).before_run(
        SimpleNamespace(model=model)
    )
    return model


@pytest.mark.slow
@pytest.mark.parametrize("encoder", list(ENCODERS))
def test_losses_and_gradients(encoder: str) -> None:
    """float64, with conditional modules; one image lacks a target."""
    make, plan = ENCODERS[encoder]
    plain = make(plan)
    perturb_conditioning(plain)
    found = []
    for model in (plain.double().train(), compiled(plain).double()):
        torch._dynamo.reset()
        samples = [make_sample(*tasks, seed=seed) for seed, tasks in enumerate(TASKS)]
        torch.manual_seed(0)
        losses = model.loss(images(2).double(), samples)
        sum(loss for name, loss in losses.items() if "loss" in name).backward()
        gradients = {n: p.grad for n, p in model.named_parameters() if p.grad is not None}
        found.append((losses, gradients))
        state = model.state_dict()
    assert state.keys() == plain.state_dict().keys()
    torch.testing.assert_close(found[1], found[0], rtol=1e-9, atol=1e-9)


def test_predictions_follow_the_weights() -> None:
    make, plan = ENCODERS["Swin"]
    plain = make(plan).eval()
    model = compiled(plain)
    for _ in range(2):
        with torch.no_grad():
            for name, logits in model(images(2)).items():
                torch.testing.assert_close(logits, plain(images(2))[name])
        perturb_conditioning(plain)
        model.load_state_dict(plain.state_dict())


def test_a_wrapped_model_is_unwrapped() -> None:
    """What is compiled is the encoder itself, not a wrapper of it."""
    make, plan = ENCODERS["ResNet"]
    model = make(plan)
    wrapper = MMDistributedDataParallel.__new__(MMDistributedDataParallel)
    torch.nn.Module.__init__(wrapper)
    wrapper.module = model
    CompileHook().before_run(SimpleNamespace(model=wrapper))
    assert model.backbone._compiled_call_impl is not None
    assert model._compiled_call_impl is None
