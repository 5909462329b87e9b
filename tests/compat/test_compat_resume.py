from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.registry import PARAM_SCHEDULERS

import mtlplugins  # noqa: F401
from tests.compat.small_runner import assert_same, load, make_runner


@pytest.mark.parametrize(
    ("by_epoch", "half", "end"),
    [(True, "epoch_1.pth", "epoch_2.pth"), (False, "iter_4.pth", "iter_8.pth")],
)
def test_training_resumes_where_it_stopped(
    tmp_path: Path, by_epoch: bool, half: str, end: str
) -> None:
    make_runner(tmp_path / "whole", by_epoch=by_epoch).train()
    again = make_runner(
        tmp_path / "again",
        by_epoch=by_epoch,
        resume=True,
        load_from=str(tmp_path / "whole" / half),
    )
    again.train()

    whole, resumed = load(tmp_path / "whole" / end), load(tmp_path / "again" / end)
    for part in ("state_dict", "optimizer", "param_schedulers"):
        assert_same(resumed[part], whole[part])
    losses = [c["message_hub"]["log_scalars"]["train/loss"].data[0] for c in (resumed, whole)]
    assert len(losses[0]) == 8
    np.testing.assert_array_equal(losses[0], losses[1])
    assert again.optim_wrapper.optimizer.state_dict()["state"][0]["step"] == 8


def test_loaded_arrays_are_saved_as_plain_arrays(tmp_path: Path) -> None:
    values = np.arange(6, dtype=np.float32).reshape(2, 3)
    saved = {"array": values, "columns": np.asfortranarray(values), "scalar": np.float64(0.1)}
    saved |= {"empty": np.zeros((0, 2)), "flag": np.bool_(True), "count": np.array(7)}
    torch.save(saved, tmp_path / "first.pth")
    torch.save(load(tmp_path / "first.pth"), tmp_path / "second.pth")

    # pickle itself resolves the real NumPy names, so it only finds plain arrays in the file.
    plain = torch.load(tmp_path / "second.pth", weights_only=False)
    assert type(plain["array"]) is np.ndarray
    for name, expected in saved.items():
        for loaded in (load(tmp_path / "second.pth")[name], plain[name]):
            assert loaded.dtype == expected.dtype
            np.testing.assert_array_equal(loaded, expected)


@pytest.mark.parametrize("name", sorted(PARAM_SCHEDULERS.module_dict))
def test_every_scheduler_of_mmengine_can_be_loaded(name: str, tmp_path: Path) -> None:
    arguments = {
        "OneCycle": {"eta_max": 0.1, "total_steps": 4},
        "CosineRestart": {"periods": [4], "eta_min": 0.0},
        "CosineAnnealing": {"T_max": 4},
        "Exponential": {"gamma": 0.9},
        "MultiStep": {"milestones": [2]},
        "Step": {"step_size": 2},
    }
    kind = next((key for key in sorted(arguments, key=len)[::-1] if name.startswith(key)), "")
    if name.endswith("ParamScheduler"):
        arguments = {key: {"param_name": "lr", **value} for key, value in arguments.items()}
        arguments[""] = {"param_name": "lr"}
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1, momentum=0.9)
    scheduler = PARAM_SCHEDULERS.get(name)(optimizer, **arguments.get(kind, {}))
    torch.save(scheduler.state_dict(), tmp_path / "scheduler.pth")
    assert load(tmp_path / "scheduler.pth") == scheduler.state_dict()
