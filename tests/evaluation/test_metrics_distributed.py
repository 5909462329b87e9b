"""Two ranks compute exactly the scores of one, however images are distributed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import torch.distributed as dist
from mmengine.dataset import DefaultSampler
from mmengine.evaluator import Evaluator

import mtlplugins  # noqa: F401
from mtlplugins.evaluation import (
    MultiTaskAccuracy,
    MultiTaskDepthMetric,
    MultiTaskIoUMetric,
    MultiTaskNormalsMetric,
)

pytestmark = pytest.mark.slow

COUNT = 7
META = {
    "tasks": {
        "semantic": {"kind": "segmentation", "classes": tuple("abcd"), "ignore_index": 255},
        "depth": {"kind": "depth"},
        "height": {"kind": "depth"},
        "normals": {"kind": "normals"},
        "scene": {"kind": "classification", "classes": tuple("xyz")},
    }
}
# Rank 0's and rank 1's batches. Image 0 is the repeat that a rounding sampler adds.
SPLITS = {
    "interleaved": ([[0, 2], [4, 6]], [[1, 3], [5]]),
    "blocks of uneven length": ([[0, 1, 2], [3, 4]], [[5], [6]]),
    "one idle process": ([[0], [1, 2, 3, 4, 5, 6]], []),
    "rounded up": ([[0, 2, 4], [6]], [[1, 3, 5], [0]]),
}


def images() -> list[dict]:
    generator = torch.Generator().manual_seed(0)
    samples = []
    for index in range(COUNT):
        truth = torch.rand(1, 5, 6, generator=generator) * 9 + 0.5
        truth[:, : index % 3] = 0
        guess = truth * torch.rand(1, 5, 6, generator=generator) + 0.1
        labels, guessed = torch.randint(0, 4, (2, 1, 5, 6), generator=generator)
        sample = {
            "gt_depth": {"data": truth},
            "pred_depth": {"data": guess},
            "gt_height": {"data": truth},
            "pred_height": {"data": guess},
            "gt_normals": {"data": torch.randn(3, 5, 6, generator=generator)},
            "pred_normals": {"data": torch.randn(3, 5, 6, generator=generator)},
            "gt_semantic": {"data": labels},
            "pred_semantic": {"data": guessed},
            "gt_scene": {"label": torch.tensor([index % 3])},
            "pred_scene": {"score": torch.rand(3, generator=generator)},
        }
        if index in (3, 6):  # partly labelled
            del sample["gt_semantic"], sample["gt_scene"]
        samples.append(sample)
    return samples


def evaluate(batches: list[list[int]]) -> dict[str, float]:
    metrics = [
        MultiTaskIoUMetric("semantic"),
        MultiTaskDepthMetric("depth"),
        MultiTaskDepthMetric("height", average="image"),
        MultiTaskNormalsMetric("normals"),
        MultiTaskAccuracy("scene", topk=(1, 2)),
    ]
    evaluator = Evaluator(metrics)
    evaluator.dataset_meta = META
    samples = images()
    for batch in batches:
        evaluator.process([samples[index] for index in batch])
    return evaluator.evaluate(COUNT)


def work(rank: int, folder: str) -> None:
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{folder}/init", rank=rank, world_size=2)
    results = {name: evaluate(split[rank]) for name, split in SPLITS.items()}
    sampler = DefaultSampler(range(COUNT), shuffle=False, seed=0, round_up=True)
    results["sampler"] = list(sampler)
    Path(folder, f"{rank}.json").write_text(json.dumps(results))
    dist.destroy_process_group()


@pytest.fixture(scope="module")
def two_processes(tmp_path_factory) -> list[dict]:
    folder = tmp_path_factory.mktemp("ranks")
    # Two runs of this very file: a spawned function would have to be found by an import name,
    # which a test file has not.
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    ranks = [
        subprocess.Popen([sys.executable, __file__, str(rank), str(folder)], env=environment)
        for rank in range(2)
    ]
    assert [process.wait(timeout=120) for process in ranks] == [0, 0]
    return [json.loads((folder / f"{rank}.json").read_text()) for rank in range(2)]


@pytest.mark.parametrize("split", SPLITS)
def test_two_processes_equal_one(two_processes, split):
    expected = evaluate([list(range(COUNT))])
    assert len(expected) == 3 + 10 + 10 + 6 + 2
    for result in two_processes:
        assert result[split] == pytest.approx(expected, rel=1e-12)
    assert two_processes[0][split] == two_processes[1][split]


def test_rounded_up_split_is_what_the_sampler_does(two_processes):
    for rank, batches in enumerate(SPLITS["rounded up"]):
        assert two_processes[rank]["sampler"] == [index for batch in batches for index in batch]


def test_a_repeat_would_have_shown():
    once = evaluate([list(range(COUNT))])
    twice = evaluate([[*range(COUNT), 0]])
    assert all(once[key] != twice[key] for key in ("depth/rmse", "height/rmse", "semantic/aAcc"))


if __name__ == "__main__":
    work(int(sys.argv[1]), sys.argv[2])
