"""A small conditioned model with batches of its three tasks, in float64."""

from __future__ import annotations

from mtlplugins.analysis.training_batches import Batch
from mtlplugins.models import MultiTaskModel
from tests.models._models import PLANS, images, make_model, make_sample, perturb_conditioning

TASKS = ("semantic", "depth", "scene")


def tiny_model() -> MultiTaskModel:
    model = make_model(PLANS["last blocks"])
    perturb_conditioning(model)
    return model.double().eval()


def tiny_batch(*tasks: str, seed: int = 0, count: int = 4) -> Batch:
    """A batch in which every image has targets of the tasks, all by default."""
    samples = [make_sample(*(tasks or TASKS), seed=10 * seed + i) for i in range(count)]
    for sample in samples:
        if "gt_depth" in sample:
            sample.gt_depth.data = sample.gt_depth.data.double()
    return Batch(images(count, seed=seed).double(), samples)
