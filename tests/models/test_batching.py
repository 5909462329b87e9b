"""Same batch and different batch (the thesis, section 4.5.6) have the same inputs."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from mtlplugins.datasets import OneTaskDataset, RoomsDataset
from mtlplugins.datasets.transforms import PackMultiTask
from tests.models._models import PLANS, TASKS, images, make_model, make_sample, perturb_conditioning


def losses_and_gradients(
    x: Tensor, samples: list, **settings
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    model = make_model(PLANS["all three"], task_weights=dict(depth=3.0), **settings).double()
    perturb_conditioning(model)
    losses = {k: v for k, v in model.loss(x, samples).items() if k.endswith("_loss")}
    sum(losses.values()).backward()
    return losses, {name: p.grad for name, p in model.named_parameters()}


@pytest.mark.parametrize("order", [[0, 1, 2, 3, 4, 5], [4, 2, 5, 0, 3, 1]])
def test_the_same_inputs_give_the_same_gradients(order: list[int]):
    x = images(2).double()
    same = losses_and_gradients(x, [make_sample(*TASKS, seed=i) for i in range(2)])
    inputs = [(image, task) for image in range(2) for task in TASKS]
    inputs = [inputs[i] for i in order]
    different = losses_and_gradients(
        x[[image for image, _ in inputs]], [make_sample(task, seed=image) for image, task in inputs]
    )
    for found, expected in zip(different, same, strict=True):
        assert set(found) == set(expected)
        for name, value in expected.items():
            # depth is float32 after its sigmoid, whatever the model computes in
            torch.testing.assert_close(found[name], value, rtol=1e-5, atol=1e-7)


def test_the_view_of_a_data_set_gives_the_same_gradients():
    rooms = RoomsDataset(2, size=(32, 32), tasks=("semantic", "depth"), pipeline=[PackMultiTask()])
    heads = dict(
        semantic=dict(type="SegmentationHead", in_channels=16, num_classes=14),
        depth=dict(type="DepthHead", in_channels=16, min_depth=0.5, max_depth=10.0),
    )
    found = []
    for dataset in (rooms, OneTaskDataset(rooms)):
        items = [dataset[i] for i in range(len(dataset))]
        x = torch.stack([item["inputs"] for item in items]).double() / 255
        samples = [item["data_samples"] for item in items]
        found.append(losses_and_gradients(x, samples, heads=heads))
        assert len(samples) == (2 if dataset is rooms else 4)
    for same, different in zip(*found, strict=True):
        assert set(same) == set(different)
        for name, value in same.items():
            torch.testing.assert_close(different[name], value, rtol=1e-5, atol=1e-7)
