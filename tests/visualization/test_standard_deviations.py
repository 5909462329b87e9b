"""Standard deviations are written beside the predictions they belong to."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import torch
from mmengine.structures import LabelData, PixelData

import mtlplugins  # noqa: F401
from mtlplugins.structures import MultiTaskDataSample
from mtlplugins.visualization import save_predictions


def test_they_are_written_where_there_are_some(tmp_path: Path) -> None:
    sample = MultiTaskDataSample()
    sample.pred_shade = PixelData(data=torch.ones(2, 3, 4), std=torch.full((2, 3, 4), 0.5))
    sample.pred_flat = PixelData(data=torch.ones(1, 3, 4))
    sample.pred_age = LabelData(numbers=torch.tensor([30.0]), std=torch.tensor([2.5]))
    tasks = dict(
        shade=dict(kind="values"),
        flat=dict(kind="values"),
        age=dict(kind="regression", names=("age",)),
    )
    save_predictions(sample, tasks, tmp_path, "a/b")
    np.testing.assert_array_equal(np.load(tmp_path / "shade/a/b_std.npy"), np.full((3, 4, 2), 0.5))
    assert np.load(tmp_path / "shade/a/b.npy").shape == (3, 4, 2)
    assert sorted(path.name for path in (tmp_path / "flat/a").iterdir()) == ["b.npy"]
    numbers = json.loads((tmp_path / "age/a/b.json").read_text())
    assert numbers == dict(numbers=dict(age=30.0), std=dict(age=2.5))
