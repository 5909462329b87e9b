"""``tasks`` once in a config sets model, data and metrics."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from mmengine.config import Config

from mtlplugins.config import load_config, spread_tasks

CONFIGS = Path(__file__).parents[2] / "configs"
ROOMS = CONFIGS / "rooms/swin_cond_rooms.py"
NYU = CONFIGS / "swin_cond_nyuv2.py"
MIXED = CONFIGS / "rooms/mixed_nyuv2_rooms.py"


def parts(cfg: Config) -> dict[str, tuple[str, ...]]:
    """The tasks of each part of a config."""
    found = {"model": tuple(cfg.model.tasks)}
    for split in ("train", "val", "test"):
        found[split] = tuple(cfg[f"{split}_dataloader"].dataset.tasks)
    for name in ("val_evaluator", "test_evaluator"):
        found[name] = tuple(metric.task for metric in cfg[name])
    return found


def config(tmp_path: Path, text: str, base: Path = ROOMS) -> Path:
    path = tmp_path / "mine.py"
    path.write_text(f"_base_ = {str(base)!r}\n{text}\n")
    return path


@pytest.mark.parametrize("read", [load_config, Config.fromfile])
@pytest.mark.parametrize("tasks", [("depth",), ("scene", "semantic")])
def test_one_line_sets_every_part(read, tasks: tuple[str, ...], tmp_path: Path) -> None:
    found = parts(read(config(tmp_path, f"tasks = {tasks}")))
    assert found.pop("val_evaluator") == found.pop("test_evaluator")
    assert found == dict.fromkeys(("model", "train", "val", "test"), tasks)


def test_metrics_stay_in_their_order(tmp_path: Path) -> None:
    cfg = load_config(config(tmp_path, "tasks = ('scene', 'semantic')"))
    assert [metric.task for metric in cfg.val_evaluator] == ["semantic", "scene"]
    everything = dict(type="Timer")  # a metric that is of no task
    cfg.val_evaluator.append(everything)
    spread_tasks(cfg)
    assert cfg.val_evaluator[-1] == everything


@pytest.mark.parametrize("options", ["depth", ["depth"], ("depth",)])
def test_an_option_sets_every_part(options) -> None:
    found = parts(load_config(NYU, dict(tasks=options)))
    assert set(found.values()) == {("depth",)}


def test_an_option_may_name_more_tasks_than_the_file() -> None:
    only = CONFIGS / "nyuv2/swin_only_depth_nyuv2.py"
    found = parts(load_config(only, dict(tasks=["semantic", "depth"])))
    assert set(found.values()) == {("semantic", "depth")}


def test_an_option_changes_a_saved_config(tmp_path: Path) -> None:
    load_config(NYU).dump(tmp_path / "saved.py")
    assert parts(load_config(tmp_path / "saved.py")) == parts(load_config(NYU))
    found = parts(load_config(tmp_path / "saved.py", dict(tasks="depth")))
    assert set(found.values()) == {("depth",)}


def test_a_best_checkpoint_by_a_score_of_another_task_is_left_out() -> None:
    saving = load_config(NYU, dict(tasks="depth")).default_hooks.checkpoint
    assert (saving.save_best, saving.rule) == (None, None)
    options = {
        "default_hooks.checkpoint.save_best": ["semantic/mIoU", "depth/rmse"],
        "default_hooks.checkpoint.rule": ["greater", "less"],
    }
    saving = load_config(NYU, options | dict(tasks="depth")).default_hooks.checkpoint
    assert (saving.save_best, saving.rule) == (["depth/rmse"], ["less"])
    saving = load_config(NYU, dict(tasks=["semantic"])).default_hooks.checkpoint
    assert (saving.save_best, saving.rule) == ("semantic/mIoU", "greater")


def test_frozen_tasks_need_no_training_data() -> None:
    found = parts(load_config(CONFIGS / "rooms/swin_cond_add_normals_rooms.py"))
    assert found["train"] == ("normals",)
    assert found["val"] == found["model"] == ("semantic", "depth", "scene", "normals")


def test_data_sets_in_others(tmp_path: Path) -> None:
    cfg = load_config(MIXED, dict(tasks="depth"))
    first, second = cfg.train_dataloader.dataset.datasets
    assert (first.tasks, second.tasks, cfg.model.tasks) == (("depth",),) * 3
    with pytest.raises(ValueError, match=r"datasets\.1\.tasks=\('depth',\) has none of the tasks"):
        load_config(MIXED, dict(tasks="semantic"))
    path = config(
        tmp_path, "tasks = ('semantic',)", NYU.parent / "nyuv2/swin_cond_different_batch_nyuv2.py"
    )
    assert load_config(path).train_dataloader.dataset.dataset.tasks == ("semantic",)


@pytest.mark.parametrize("none", [[], ()])
def test_test_data_without_ground_truth_keep_no_task(none, tmp_path: Path) -> None:
    """The model and the other data sets have the tasks."""
    text = f"test_dataloader = dict(dataset=dict(tasks={none}))\ntest_evaluator = []\n"
    (tmp_path / "mine.py").write_text(f"_base_ = 'mtlplugins::rooms/swin_cond_rooms.py'\n{text}")
    cfg = load_config(tmp_path / "mine.py")
    assert len(cfg.test_dataloader.dataset.tasks) == 0
    assert cfg.model.tasks == cfg.val_dataloader.dataset.tasks == ("semantic", "depth", "scene")


def test_a_data_set_that_knows_no_tasks_is_left_alone() -> None:
    cfg = load_config(NYU, {"tasks": "depth"})
    cfg.val_dataloader.dataset = dict(type="BaseSegDataset")
    spread_tasks(cfg)
    assert "tasks" not in cfg.val_dataloader.dataset


def test_a_config_that_names_its_tasks_part_by_part_still_works(tmp_path: Path) -> None:
    """As configs were written before, on top of one with ``tasks``."""
    text = (
        "model = dict(tasks=('depth',))\n"
        "train_dataloader = dict(dataset=dict(tasks=('depth',)))\n"
        "val_dataloader = test_dataloader = train_dataloader\n"
        "val_evaluator = test_evaluator = [dict(type='MultiTaskDepthMetric', task='depth')]\n"
    )
    assert set(parts(load_config(config(tmp_path, text))).values()) == {("depth",)}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("tasks = ()", r"tasks=\(\): give the names"),
        ("tasks = ('depth', 'depth')", "each once"),
        ("tasks = ('dept',)", r"model\.heads has no 'dept', only semantic, depth, scene"),
        (
            "train_dataloader = dict(dataset=dict(tasks=('depth', 'normals')))",
            r"train_dataloader\.dataset\.tasks=.* has 'normals', but .* name all in `tasks`",
        ),
        ("tasks = ('depth',)\nmodel = dict(tasks=('scene',))", r"model\.tasks=.* has 'scene'"),
        (
            "tasks = ('depth',)\nval_evaluator = [dict(type='A', task='scene')]",
            "val_evaluator: no metric scores any of the tasks",
        ),
    ],
)
def test_what_contradicts_is_named(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=message):
        load_config(config(tmp_path, text))


@pytest.mark.slow
def test_a_config_spreads_where_nothing_has_imported_us_yet(tmp_path: Path) -> None:
    """``custom_imports`` come before the config is made."""
    path = config(tmp_path, "tasks = ('depth',)")
    code = f"from mmengine.config import Config; print(Config.fromfile({str(path)!r}).model.tasks)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "('depth',)"
