"""A Runner small enough for the tests of the workarounds."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.evaluator import BaseMetric
from mmengine.model import BaseModel
from mmengine.runner import CheckpointLoader, Runner

INPUTS = torch.randn(8, 3, generator=torch.Generator().manual_seed(0))


class Line(BaseModel):
    def __init__(self) -> None:
        super().__init__()
        self.linear = torch.nn.Linear(3, 1)
        torch.nn.init.constant_(self.linear.weight, 0.5)
        torch.nn.init.zeros_(self.linear.bias)

    def forward(self, inputs: torch.Tensor, mode: str = "tensor") -> Any:
        outputs = self.linear(inputs)
        return {"loss": outputs.square().mean()} if mode == "loss" else list(outputs)


class MeanOutput(BaseMetric):
    def process(self, data_batch: dict, data_samples: list) -> None:
        self.results.extend(sample.item() for sample in data_samples)

    def compute_metrics(self, results: list) -> dict:
        return {"mean": np.mean(results)}


def make_runner(work_dir: Path, *, by_epoch: bool, **overrides: Any) -> Runner:
    """A Runner that trains 8 steps: two epochs of four batches."""
    loader = {
        "dataset": [{"inputs": row} for row in INPUTS],
        "batch_size": 2,
        "collate_fn": {"type": "default_collate"},
        "sampler": {"type": "DefaultSampler" if by_epoch else "InfiniteSampler", "shuffle": False},
    }
    loop = {"max_epochs": 2} if by_epoch else {"max_iters": 8, "val_interval": 4}
    settings: dict[str, Any] = {
        "model": Line(),
        "train_dataloader": loader,
        "val_dataloader": {**loader, "sampler": {"type": "DefaultSampler", "shuffle": False}},
        "val_evaluator": [MeanOutput()],
        "train_cfg": {"by_epoch": by_epoch, **loop},
        "val_cfg": {},
        "optim_wrapper": {"optimizer": {"type": "AdamW", "lr": 0.1}},
        "param_scheduler": {
            "type": "OneCycleLR", "eta_max": 0.1, "total_steps": 8, "by_epoch": False,
        },
        "default_hooks": {
            "checkpoint": {
                "type": "CheckpointHook", "interval": 1 if by_epoch else 4, "by_epoch": by_epoch,
                "save_best": "mean", "rule": "less",
            }
        },
    }  # fmt: skip
    return Runner(
        work_dir=str(work_dir),
        experiment_name=str(work_dir).replace("/", "_"),
        default_scope="mmseg",
        log_level="WARNING",
        **{**settings, **overrides},
    )


def load(path: Path | str) -> Any:
    return CheckpointLoader.load_checkpoint(str(path), map_location="cpu", logger=None)


def assert_same(actual: Any, expected: Any) -> None:
    assert type(actual) is type(expected)
    if isinstance(expected, dict):
        assert list(actual) == list(expected)
        for key in expected:
            assert_same(actual[key], expected[key])
    elif isinstance(expected, list | tuple):
        assert len(actual) == len(expected)
        for one, other in zip(actual, expected, strict=True):
            assert_same(one, other)
    elif isinstance(expected, torch.Tensor):
        assert torch.equal(actual, expected)
    else:
        assert actual == expected


def run_python(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    folder = Path(__file__).parent
    paths = [str(folder.parents[1]), str(folder), os.environ.get("PYTHONPATH", "")]
    return subprocess.run(
        [sys.executable, *arguments],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths), **environment},
        capture_output=True,
        text=True,
        timeout=120,
    )
