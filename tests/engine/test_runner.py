"""Guarantees of the runner that hold whatever a config sets."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from mmengine.config import Config
from mmengine.hooks import EarlyStoppingHook, EMAHook, ProfilerHook
from mmengine.runner import CheckpointLoader, EpochBasedTrainLoop, Runner
from mmseg.registry import LOOPS, RUNNERS
from torch.utils.data import DataLoader

from mtlplugins.compat import checkpoint_files
from mtlplugins.engine import MultiTaskRunner, ResumableEpochLoop, ResumableIterLoop
from mtlplugins.engine.resume.loops import make_resumable, refuse_no_batches
from mtlplugins.engine.resume.work_dir import locked
from tests.engine.resume._stopping import At, Killed, kill, make_run, terminate, weights


def stop(work_dir: Path, iteration: int, *hooks: Any, how: Any = kill, **kind: Any) -> None:
    with pytest.raises((SystemExit, Killed)):
        make_run(work_dir, *hooks, At("train", iteration, how), **kind).train()


def config(work_dir: Path, **settings: Any) -> Config:
    """A model without data, as a config that knows nothing of the runner's defaults."""
    model = dict(type="MultiTaskDataPreprocessor")
    return Config(dict(model=model, work_dir=str(work_dir), log_level="WARNING", **settings))


# ---- MMEngine's hooks ----


def test_averaged_weights_resume_exactly(tmp_path: Path) -> None:
    """The user's own hook beside the defaults, which a list of custom hooks does not drop."""
    whole = make_run(tmp_path / "whole", EMAHook(momentum=0.1))
    whole.train()
    for iteration, how in ((3, terminate), (6, kill), (10, terminate)):
        stop(tmp_path / "stopped", iteration, EMAHook(momentum=0.1), how=how)
    again = make_run(tmp_path / "stopped", EMAHook(momentum=0.1))
    again.train()
    saved = [
        torch.load(tmp_path / name / "epoch_3.pth", weights_only=False)
        for name in ("whole", "stopped")
    ]
    for part in ("state_dict", "ema_state_dict"):
        for name, value in saved[0][part].items():
            assert torch.equal(value, saved[1][part][name]), name
    different = saved[0]["state_dict"]["linear.weight"], whole.model.state_dict()["linear.weight"]
    assert not torch.equal(*different)  # it averages


SCORES = [0.5, 0.4, 0.3]


def patience() -> EarlyStoppingHook:
    return EarlyStoppingHook(monitor="mean", rule="greater", min_delta=0.0, patience=2)


def test_early_stopping_stops(tmp_path: Path) -> None:
    run = make_run(tmp_path, patience(), values=[0.5, 0.4, 0.3, 0.9])
    run._train_loop["max_epochs"] = 9
    run.train()
    assert run.epoch == 3


def test_early_stopping_continues_counting(tmp_path: Path) -> None:
    """Killed between the validations that make up its patience."""

    def run(*hooks: Any, values: list[float]) -> Runner:
        made = make_run(tmp_path, patience(), *hooks, values=values)
        made._train_loop["max_epochs"] = 9
        made.param_schedulers = None
        return made

    with pytest.raises(Killed):
        run(At("train", 10, kill), values=[0.5, 0.4]).train()
    resumed = run(values=[0.4, 0.3, 0.9, 0.9])  # the second validation is run again
    resumed.train()
    assert resumed.epoch == 3
    again = run(values=[0.3, 0.9])
    again.train()
    assert again.epoch == 3  # it stays stopped
    assert list(again.message_hub.get_scalar("val/mean").data[0]) == SCORES


def test_the_profiler_profiles(tmp_path: Path) -> None:
    trace = tmp_path / "trace.json"
    hook = ProfilerHook(by_epoch=False, profile_times=3, json_trace_path=str(trace))
    run = make_run(tmp_path / "run", hook)
    run.train()
    assert run.iter == 12
    events = json.loads(trace.read_text())["traceEvents"]
    assert any("addmm" in event.get("name", "") for event in events)


# ---- loops ----


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        (dict(by_epoch=True, max_epochs=3), ResumableEpochLoop),
        (dict(by_epoch=False, max_iters=3), ResumableIterLoop),
        (dict(type="EpochBasedTrainLoop", max_epochs=3), ResumableEpochLoop),
        (dict(type="IterBasedTrainLoop", max_iters=3), ResumableIterLoop),
        (dict(type=EpochBasedTrainLoop, max_epochs=3), ResumableEpochLoop),
        (dict(type="ResumableIterLoop", max_iters=3), ResumableIterLoop),
    ],
)
def test_mmengines_loops_become_resumable(given: dict, kind: type) -> None:
    kept = dict(given)
    made = make_resumable(given)
    found = made.pop("type")
    assert (LOOPS.get(found) if isinstance(found, str) else found) is kind
    assert made == {key: value for key, value in given.items() if key.startswith("max")}
    assert given == kept


def test_a_loop_of_the_users_own_stays() -> None:
    class Own(EpochBasedTrainLoop):
        pass

    assert make_resumable(dict(type=Own, max_epochs=3)) == dict(type=Own, max_epochs=3)


def test_images_that_make_no_batch_are_named() -> None:
    loaders = [DataLoader(range(n), batch_size=4, drop_last=True) for n in (3, 4)]
    refuse_no_batches(loaders[1])
    refuse_no_batches(DataLoader(range(3), batch_size=4))
    with pytest.raises(ValueError, match="3 images make no batch of 4 with drop_last=True"):
        refuse_no_batches(loaders[0])


# ---- work dir and checkpoint ----


def test_a_checkpoint_is_read_once_and_unpickled_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop(tmp_path, 9)
    checked, loaded = [], []
    find_damage, load = checkpoint_files.find_damage, torch.load

    def find(path: Path) -> str | None:
        checked.append(Path(path).name)
        return find_damage(path)

    def read(file: Any, *args: Any, **kwargs: Any) -> Any:
        loaded.append(1)
        return load(file, *args, **kwargs)

    monkeypatch.setattr(checkpoint_files, "find_damage", find)
    monkeypatch.setattr(torch, "load", read)
    resumed = make_run(tmp_path)
    resumed.train()
    assert resumed.iter == 12
    assert (checked, loaded) == (["epoch_2.pth"], [1])


def test_a_run_starts_where_there_is_nothing_to_resume(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    assert run._resume
    run.train()
    assert run.iter == 12
    assert (tmp_path / "epoch_3.pth").is_file()


def test_it_overwrites_no_other_run(tmp_path: Path) -> None:
    stop(tmp_path, 9)
    before = {path: path.read_bytes() for path in tmp_path.glob("*.p*")}
    run = make_run(tmp_path)
    run._resume = False
    with pytest.raises(FileExistsError, match=r"epoch_2.pth.*--resume continues it"):
        run.train()
    assert {path: path.read_bytes() for path in tmp_path.glob("*.p*")} == before


def test_resuming_from_a_file_of_another_folder(tmp_path: Path) -> None:
    """MMEngine's ``resume=True, load_from=FILE``."""
    whole = make_run(tmp_path / "whole")
    whole.train()
    run = make_run(tmp_path / "new")
    run._load_from = str(tmp_path / "whole" / "epoch_2.pth")
    run.train()
    for one, other in zip(weights(run), weights(whole), strict=True):
        assert torch.equal(one, other)


def test_the_seed_is_the_runs(tmp_path: Path) -> None:
    stop(tmp_path, 9)
    other = make_run(tmp_path)
    other._randomness_cfg = dict(seed=5)
    with pytest.raises(ValueError, match=r"randomness.seed=5, but the run in .* has seed 3"):
        other.train()
    without = make_run(tmp_path)
    without._randomness_cfg = dict(seed=None)
    without.set_randomness(seed=8)
    without.train()
    assert without.seed == without.train_dataloader.sampler.seed == 3


def test_a_refused_run_leaves_the_record(tmp_path: Path) -> None:
    stop(tmp_path, 9)
    records = {path: path.read_text() for path in tmp_path.glob("*.py")}
    assert len(records) == 1
    run = make_run(tmp_path)
    run.param_schedulers["eta_max"] = 0.7
    with pytest.raises(ValueError, match=r"eta_max is 0\.7, was 0\.1"):
        run.train()
    assert records == {path: path.read_text() for path in tmp_path.glob("*.py")}


def test_a_folder_is_free_again_after_a_training(tmp_path: Path) -> None:
    make_run(tmp_path).train()
    with locked(tmp_path), locked(tmp_path):
        pass
    assert (tmp_path / ".lock").is_file()


# ---- built from configs ----


def test_runners_of_a_process_have_their_own_folders(tmp_path: Path) -> None:
    """Also of the same second and config, with a visualizer of the same name."""
    visualizer = dict(
        type="MultiTaskVisualizer", name="visualizer", vis_backends=[dict(type="LocalVisBackend")]
    )
    runners = [
        MultiTaskRunner.from_cfg(config(tmp_path / str(index), visualizer=visualizer))
        for index in range(3)
    ]
    for index, runner in enumerate(runners):
        runner.visualizer.add_scalar("loss", float(index), step=0)
        assert Path(runner.log_dir).parent == tmp_path / str(index)
    for index, runner in enumerate(runners):
        (scalars,) = tmp_path.glob(f"{index}/*/vis_data/*.json")
        assert json.loads(scalars.read_text())["loss"] == index
        assert runner.message_hub is not runners[index - 1].message_hub
    assert len({runner.experiment_name for runner in runners}) == 3


def test_what_a_bare_config_gets(tmp_path: Path) -> None:
    runner = MultiTaskRunner.from_cfg(config(tmp_path))
    assert runner.cfg.sync_bn == "torch"
    assert type(runner.visualizer).__name__ == "MultiTaskVisualizer"
    assert runner.cfg.default_hooks.checkpoint.type == "SafeCheckpointHook"  # noted
    names = {type(hook).__name__ for hook in runner.hooks}
    assert {"SafeCheckpointHook", "StepSeedHook", "StopSignalHook", "NonFiniteHook"} <= names
    off = config(tmp_path, sync_bn=None, default_hooks=dict(stop=None))
    runner = MultiTaskRunner.from_cfg(off)
    assert runner.cfg.sync_bn is None
    assert "StopSignalHook" not in {type(hook).__name__ for hook in runner.hooks}


def test_a_config_asks_for_it(tmp_path: Path) -> None:
    cfg = config(tmp_path, default_scope="mmseg")
    assert type(RUNNERS.build(cfg)) is Runner
    cfg.runner_type = "MultiTaskRunner"
    assert type(RUNNERS.build(cfg)) is MultiTaskRunner
    # as mmseg's tools/test.py does, which does not look at runner_type
    cfg.default_hooks = dict(logger=dict(interval=1))
    assert type(Runner.from_cfg(cfg)) is MultiTaskRunner
    cfg.runner_type = "Runner"
    cfg.default_hooks = None
    assert type(Runner.from_cfg(cfg)) is Runner


def test_a_checkpoint_of_something_else_is_refused(tmp_path: Path) -> None:
    torch.save(dict(a=torch.ones(2)), tmp_path / "epoch_1.pth")
    with pytest.raises(
        ValueError, match=r"epoch_1.pth is not a checkpoint that a run can resume from"
    ):
        make_run(tmp_path).train()
    assert CheckpointLoader.load_checkpoint(str(tmp_path / "epoch_1.pth"))["a"].sum() == 2
