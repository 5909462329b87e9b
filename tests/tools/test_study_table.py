"""Commands that reproduce a figure of the image-classification study."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest

from mtlplugins.analysis.experiments import experiment_of
from mtlplugins.apis import load_config
from mtlplugins.apis.test import find_checkpoint
from mtlplugins.common.arguments import parse_cfg_options
from tests.tools.command import load_tool, run_tool

TOOL = load_tool("analysis/study_table.py")
STUDY, FIGURES, OURS = TOOL["STUDY"], TOOL["FIGURES"], TOOL["OURS"]


def printed_steps(monkeypatch, capsys, *arguments: object) -> list[list[str]]:
    run_tool(monkeypatch, "analysis/study_table.py", *arguments)
    lines = capsys.readouterr().out.splitlines()
    return [shlex.split(line[1:])[1:] for line in lines if line.startswith("$")]


def test_the_figures_are_twelve_families() -> None:
    assert tuple(FIGURES) == (3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14)
    assert len({STUDY[str(figure)]["config"] for figure in FIGURES}) == 12
    assert sum(len(STUDY[str(figure)]["rows"]) for figure in FIGURES) == 8 * 6 + 4 * 5


@pytest.mark.parametrize("figure", FIGURES)
def test_every_model_is_its_config_with_its_settings(figure: int) -> None:
    tasks = None
    for model, row in enumerate(STUDY[str(figure)]["rows"], 1):
        if tasks is None:
            cfg = load_config(TOOL["config_path"](figure, model))
            tasks = list(cfg.model.get("tasks") or cfg.model.heads)
            assert experiment_of(cfg)["figure"]["number"] == figure
            assert cfg.train_dataloader.batch_size == row[0]  # as it stands, the first model
            assert {cfg.model.heads[task].dropout for task in tasks} == {row[2]}
        changed = cfg.copy()
        changed.merge_from_dict(parse_cfg_options(TOOL["row_options"](figure, model, tasks)))
        batch_size, gamma, dropout, optimizer, train_loss, train_acc, loss, accuracy = row
        assert changed.train_dataloader.batch_size == batch_size
        assert {changed.model.heads[task].dropout for task in tasks} == {dropout}
        chosen = changed.optim_wrapper.optimizer
        rate = dict(Adam=1e-3, SGD=0.01)[optimizer]
        assert chosen == dict(type=optimizer, lr=rate, fused=True)
        weights = [changed.model.task_weights[task] for task in tasks]
        assert weights == ([1.0] if gamma is None else pytest.approx([gamma, 1 - gamma]))
        experiment = experiment_of(changed)
        published = experiment["published"]
        for index, task in enumerate(tasks):
            assert published[f"{task}/top1"] == pytest.approx(100 * accuracy[index])
            assert published[f"{task}/cross_entropy"] == loss[index]
            train = experiment["figure"]["train"]
            assert train[f"{task}/loss"] == train_loss[index]
            assert train[f"{task}/acc"] == pytest.approx(100 * train_acc[index])
        assert experiment["name"] == f"figure_{figure}_model_{model}"
        assert (changed.train_cfg.max_epochs, changed.param_scheduler) == (20, [])


def test_a_run_and_a_test_for_each_model_and_seed(tmp_path, monkeypatch, capsys) -> None:
    arguments = (7, "--models", 4, OURS, "--seeds", 0, 1, "--work-dir", tmp_path, "--dry-run")
    steps = printed_steps(monkeypatch, capsys, *arguments, "--cfg-options", "data_root=here")
    *runs, last = steps
    folders = [
        str(tmp_path / "figure_7" / f"model_{model}" / f"seed_{seed}")
        for model in (4, OURS)
        for seed in (0, 1)
    ]
    assert [Path(step[0]).name for step in runs] == ["train.py", "test.py"] * 4
    for number, folder in enumerate(folders):
        train, test = runs[2 * number : 2 * number + 2]
        config = "vit_multi_cifar10.py" if number < 2 else "vit_multi_cifar10_ours.py"
        assert Path(train[1]).name == Path(test[1]).name == config
        assert test[2] == folder
        for step in (train, test):
            assert step[step.index("--work-dir") + 1] == folder
            assert step[step.index("--cfg-options") + 1] == f"randomness.seed={number % 2}"
            assert step[-1] == "data_root=here"
    assert "train_dataloader.batch_size=128" in runs[0]
    assert last[1:5] == folders
    assert list(tmp_path.iterdir()) == []


def test_only_what_is_missing_is_run(tmp_path, monkeypatch, capsys) -> None:
    work_dir = tmp_path / "figure_7/model_ours/seed_0"
    log = work_dir / "20260101_000000/vis_data"
    log.mkdir(parents=True)
    cfg = load_config(TOOL["config_path"](7, OURS), {"train_cfg.max_epochs": 1})
    cfg.dump(work_dir / "recipe.py")
    entries = [dict(iter=1, epoch=1, step=1, loss=1.0), {"label/top1": 10.0, "step": 1}]
    (log / "scalars.json").write_text("".join(json.dumps(entry) + "\n" for entry in entries))
    arguments = (7, "--models", OURS, "--work-dir", tmp_path, "--dry-run")
    options = ("--cfg-options", "train_cfg.max_epochs=1")
    steps = printed_steps(monkeypatch, capsys, *arguments, *options)
    assert [Path(step[0]).name for step in steps] == ["test.py", "results.py"]
    tested = work_dir / "20260101_000001"
    tested.mkdir()
    (tested / "20260101_000001.json").write_text(json.dumps({"label/top1": 12.0, "time": 0.1}))
    steps = printed_steps(monkeypatch, capsys, *arguments, *options)
    assert [Path(step[0]).name for step in steps] == ["results.py"]


def test_a_model_that_is_not_in_the_figure(tmp_path, monkeypatch, capsys) -> None:
    with pytest.raises(RuntimeError, match="exited with 2"):
        run_tool(monkeypatch, "analysis/study_table.py", 7, "--models", 6)
    assert "figure 7 has no model 6" in capsys.readouterr().err


def test_the_checkpoint_of_a_work_dir(tmp_path) -> None:
    assert find_checkpoint("some/file.pth") == "some/file.pth"
    with pytest.raises(FileNotFoundError, match="neither best_"):
        find_checkpoint(str(tmp_path))
    (tmp_path / "last_checkpoint").write_text("/elsewhere/epoch_20.pth")
    assert find_checkpoint(str(tmp_path)) == str(tmp_path / "epoch_20.pth")
    best = tmp_path / "best_label_top1_epoch_17.pth"
    best.touch()
    assert find_checkpoint(str(tmp_path)) == str(best)
    (tmp_path / "best_superclass_top1_epoch_3.pth").touch()
    with pytest.raises(ValueError, match="several best checkpoints, give one"):
        find_checkpoint(str(tmp_path))
