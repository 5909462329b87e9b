"""Two ranks with unequal numbers of targets compute the gradients of one process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
import torch.distributed as dist
from mmengine.optim import OptimWrapper

import mtlplugins  # noqa: F401
import mtlplugins.models.distributed.shares as module
from mtlplugins.models import MultiTaskDistributedDataParallel, MultiTaskModel
from tests.models._models import PLANS, images, make_model, make_sample, perturb_conditioning

#: Of each way to train: the step and the balancing method.
WAYS = dict(AllTasks="Fixed", TaskByTask="Fixed", Geometric="Geometric")
#: For each case, the targets of each image of the batch; the first process has the first two.
CASES = {
    "all": [("semantic", "depth", "scene")] * 4,
    "partly labelled": [("semantic", "depth"), ("depth", "scene"), ("semantic",), ("depth",)],
    "a process lacks a task": [("depth",), ("depth", "scene"), ("semantic",), ("semantic",)],
}


def model_and_samples(case: str, way: str = "AllTasks") -> tuple[MultiTaskModel, list]:
    step = way if WAYS[way] == "Fixed" else "AllTasks"
    settings = dict(step=dict(type=step), balancing=dict(type=WAYS[way]))
    settings["task_weights"] = dict(depth=3.0)
    model = make_model(PLANS["all three"], **settings).double()
    perturb_conditioning(model)
    samples = [make_sample(*tasks, seed=i) for i, tasks in enumerate(CASES[case])]
    for i, sample in enumerate(samples):  # unequally many valid pixels too
        if "gt_depth" in sample:
            sample.gt_depth.data[:, : 5 * i] = 0
        if "gt_semantic" in sample:
            sample.gt_semantic.data[:, : 3 * i] = 255
    return model, samples


def gradients(case: str, part: slice, way: str = "AllTasks") -> dict[str, torch.Tensor]:
    model, samples = model_and_samples(case, way)
    losses = model.loss(images(4).double()[part], samples[part])
    total, _ = model.parse_losses(losses)
    total.backward()
    found = {name: p.grad for name, p in model.named_parameters()}
    return found | {name: value.detach() for name, value in losses.items() if "_loss" in name}


def gradients_of_a_step(case: str, part: slice, way: str) -> dict[str, torch.Tensor]:
    """Under DDP, which has averaged them, and what was logged."""
    model, samples = model_and_samples(case, way)
    optim_wrapper = OptimWrapper(torch.optim.SGD(model.parameters(), lr=0.0))
    optim_wrapper.zero_grad = lambda: None
    batch = dict(inputs=images(4).double()[part], data_samples=samples[part])
    # DDP divides the gradients into several buckets
    logged = MultiTaskDistributedDataParallel(model, bucket_cap_mb=0.1).train_step(
        batch, optim_wrapper
    )
    found = {name: p.grad for name, p in model.named_parameters()}
    return found | {name: value.detach() for name, value in logged.items() if "_loss" in name}


def work(rank: int, folder: str) -> None:
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{folder}/init", rank=rank, world_size=2)
    part = slice(2 * rank, 2 * rank + 2)
    found = {case: gradients(case, part) for case in CASES}
    for way in WAYS:
        found |= {f"{way}: {case}": gradients_of_a_step(case, part, way) for case in CASES}
    torch.save(found, Path(folder, f"{rank}.pt"))
    dist.destroy_process_group()


@pytest.fixture(scope="module")
def two_processes(tmp_path_factory) -> list[dict]:
    folder = tmp_path_factory.mktemp("ranks")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    ranks = [
        subprocess.Popen([sys.executable, __file__, str(rank), str(folder)], env=environment)
        for rank in range(2)
    ]
    assert [process.wait(timeout=300) for process in ranks] == [0, 0]
    return [torch.load(folder / f"{rank}.pt", weights_only=True) for rank in range(2)]


@pytest.mark.parametrize("case", CASES)
def test_mean_over_processes_is_the_value_of_one(two_processes: list[dict], case: str):
    expected = gradients(case, slice(None))
    assert len(expected) > 100
    for name, value in expected.items():
        mean = (two_processes[0][case][name] + two_processes[1][case][name]) / 2
        torch.testing.assert_close(
            mean, value, rtol=1e-5, atol=1e-7, check_dtype=False, msg=lambda m, n=name: n + m
        )


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("case", CASES)
def test_ddp_gives_the_gradients_of_one_process(two_processes: list[dict], case: str, way: str):
    together = "AllTasks" if WAYS[way] == "Fixed" else way
    expected = gradients(case, slice(None), together)
    # a training step does not log the zero of a task without targets
    expected = {n: v for n, v in expected.items() if not n.endswith("_loss") or v != 0}
    for found in two_processes:
        assert found[f"{way}: {case}"].keys() == expected.keys()
        for name, value in expected.items():
            torch.testing.assert_close(
                found[f"{way}: {case}"][name], value, rtol=1e-5, atol=1e-7, check_dtype=False,
                msg=lambda m, n=name: n + m,
            )  # fmt: skip


def test_counts_beyond_float32(monkeypatch: pytest.MonkeyPatch):
    """2 ** 24 + 1 pixels here and 1 there: in float32 they would add up to 2 ** 24."""

    def other_process_adds_one(total: torch.Tensor, op: str) -> None:
        assert op == "sum"
        total += 1

    monkeypatch.setattr(module, "get_world_size", lambda: 2)
    monkeypatch.setattr(module, "all_reduce", other_process_adds_one)
    heads = dict(semantic=SimpleNamespace(num_targets=sum))
    share = module.process_shares(heads, dict(semantic=[2**24, 1]), torch.device("cpu"))
    expected = 2 * (2**24 + 1) / (2**24 + 2)
    assert share["semantic"].item() == torch.tensor(expected, dtype=torch.float32).item()


if __name__ == "__main__":
    work(int(sys.argv[1]), sys.argv[2])
