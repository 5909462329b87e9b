"""Training steps of a compiled network in one of two processes: ``python _compiled.py FOLDER``."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import torch
from mmengine.optim import OptimWrapper
from torch import Tensor, distributed, nn

from mtlplugins.models import MultiTaskDistributedDataParallel, MultiTaskModel
from tests.models._models import PLANS, images, make_model, make_sample, perturb_conditioning

#: The targets of four images, a step a row; the second process, with the last two, lacks tasks.
STEPS = (
    [("semantic", "depth", "scene"), ("depth",), ("scene", "depth"), ("scene",)],
    [("semantic", "depth", "scene")] * 4,
    [("scene", "semantic"), ("semantic",), ("depth",), ()],
)


def make() -> MultiTaskModel:
    """A conditioned model without batch norms."""
    model = make_model(PLANS["attention"]).double().train()
    perturb_conditioning(model)
    return model


def steps(model: nn.Module, part: slice) -> dict[str, Tensor]:
    """Train on some of the images of each step; return the weights."""
    wrapper = OptimWrapper(torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9))
    for number, targets in enumerate(STEPS):
        samples = [make_sample(*t, seed=10 * number + i) for i, t in enumerate(targets)]
        batch = dict(inputs=images(4).double()[part], data_samples=samples[part])
        model.train_step(batch, wrapper)
    return dict(getattr(model, "module", model).state_dict())


if __name__ == "__main__":
    torch.set_num_threads(1)
    distributed.init_process_group("gloo")
    rank = distributed.get_rank()
    network = make()
    model = MultiTaskDistributedDataParallel(network)
    if reason := network.compile_network(backend="aot_eager", fullgraph=True):
        sys.exit(reason)
    torch.save(steps(model, slice(2 * rank, 2 * rank + 2)), Path(sys.argv[1]) / f"{rank}.pt")
    os._exit(0)  # gloo's threads may outlive the interpreter
