"""Commands that reproduce a table of the thesis."""

from __future__ import annotations

import json
import shlex
import subprocess
from pathlib import Path

import pytest

from mtlplugins.apis import load_config
from tests.tools.command import ROOT, run_tool

EPOCHS = "train_cfg.max_epochs=3"
HEADLINE, LESS = (f"swin_cond{part}_nyuv2" for part in ("", "_0_0_18_0"))


def printed_steps(monkeypatch, capsys, *arguments: object) -> list[list[str]]:
    run_tool(monkeypatch, "analysis/thesis_table.py", *arguments)
    lines = capsys.readouterr().out.splitlines()
    return [shlex.split(line[1:])[1:] for line in lines if line.startswith("$")]


def make_run(work_dir: Path, *, epochs: int, validated: int) -> None:
    """A work dir as a run of the config it is named after leaves it, with a score per epoch."""
    log = work_dir / "20260101_000000/vis_data"
    log.mkdir(parents=True)
    name = f"nyuv2/{LESS}" if work_dir.parent.name == LESS else HEADLINE
    cfg = load_config(str(ROOT / f"configs/{name}.py"), {"train_cfg.max_epochs": epochs})
    cfg.dump(work_dir / "config.py")
    entries = []
    for epoch in range(1, epochs + 1):
        entries.append(dict(iter=epoch, epoch=epoch, step=epoch, loss=1.0))
        if epoch <= validated:
            entries.append({"depth/d1": 0.5, "step": epoch})
        (work_dir / f"epoch_{epoch}.pth").touch()
    (log / "scalars.json").write_text("".join(json.dumps(entry) + "\n" for entry in entries))
    (work_dir / "last_checkpoint").write_text(str(work_dir / f"epoch_{epochs}.pth"))


@pytest.mark.parametrize("table", ["4.11", "4.12"])
def test_a_run_for_each_network_and_seed_and_then_the_table(
    table: str, tmp_path, monkeypatch, capsys
) -> None:
    arguments = (table, "--seeds", 0, 7, "--work-dir", tmp_path, "--dry-run")
    steps = printed_steps(monkeypatch, capsys, *arguments, "--cfg-options", EPOCHS)
    *runs, last = steps
    assert [(Path(run[1]).stem, run[run.index("--cfg-options") + 1]) for run in runs] == [
        (HEADLINE, "randomness.seed=0"),
        (HEADLINE, "randomness.seed=7"),
        (LESS, "randomness.seed=0"),
        (LESS, "randomness.seed=7"),
    ]
    folders = [
        str(tmp_path / name / f"seed_{seed}") for name in (HEADLINE, LESS) for seed in (0, 7)
    ]
    for run, folder in zip(runs, folders, strict=True):
        assert run[0] == str(ROOT / "tools/train.py")
        assert "--resume" in run
        assert run[run.index("--work-dir") + 1] == folder
        assert run[-1] == EPOCHS
    results = str(ROOT / "tools/analysis/results.py")
    assert last == [results, *folders, "--table", "4.12", "--out", str(tmp_path / "table_4.12")]
    assert list(tmp_path.iterdir()) == []


def test_a_finished_run_is_not_trained_again(tmp_path, monkeypatch, capsys) -> None:
    make_run(tmp_path / HEADLINE / "seed_0", epochs=3, validated=3)
    make_run(tmp_path / LESS / "seed_0", epochs=3, validated=2)
    arguments = ("4.12", "--work-dir", tmp_path, "--dry-run", "--cfg-options", EPOCHS)
    steps = printed_steps(monkeypatch, capsys, *arguments)
    assert [Path(step[1]).stem for step in steps] == [LESS, "seed_0"]


def test_a_run_of_another_length_is_not_mixed_in(tmp_path, monkeypatch) -> None:
    make_run(tmp_path / HEADLINE / "seed_0", epochs=3, validated=3)
    arguments = ("4.12", "--work-dir", tmp_path, "--dry-run")
    with pytest.raises(ValueError, match=r"seed_0 holds a run of 3 epochs, not of 1000: give the"):
        run_tool(monkeypatch, "analysis/thesis_table.py", *arguments)


def test_a_run_of_another_config_is_not_mixed_in(tmp_path, monkeypatch) -> None:
    make_run(tmp_path / HEADLINE / "seed_0", epochs=3, validated=3)
    options = ["--cfg-options", EPOCHS, "data_root=elsewhere"]
    arguments = ["4.12", "--work-dir", tmp_path, "--dry-run"]
    run_tool(monkeypatch, "analysis/thesis_table.py", *arguments, *options)
    message = r"another config, with model\.backbone\.plan\.frozen None instead of True"
    with pytest.raises(ValueError, match=message):
        run_tool(
            monkeypatch, "analysis/thesis_table.py", *arguments, *options,
            "model.backbone.plan.frozen=True",
        )  # fmt: skip


def test_the_mixtures_are_of_the_headline_s_last_checkpoint(tmp_path, monkeypatch, capsys) -> None:
    arguments = ("4.15", "--work-dir", tmp_path, "--dry-run", "--cfg-options", EPOCHS)
    run, last = printed_steps(monkeypatch, capsys, *arguments)
    assert Path(run[1]).stem == HEADLINE
    config = str(ROOT / f"configs/{HEADLINE}.py")
    checkpoint = str(tmp_path / HEADLINE / "seed_0/epoch_3.pth")
    tool = str(ROOT / "tools/analysis/task_embeddings.py")
    assert last == [tool, config, checkpoint, "--cfg-options", EPOCHS]


def test_it_stops_at_the_first_failure(tmp_path, monkeypatch, capsys) -> None:
    ran = []

    def run(command: list[str], *, check: bool) -> subprocess.CompletedProcess:
        ran.append(command)
        return subprocess.CompletedProcess(command, 3)

    monkeypatch.setattr(subprocess, "run", run)
    with pytest.raises(RuntimeError, match=r"the command above ended with 3; give this one again"):
        run_tool(monkeypatch, "analysis/thesis_table.py", "4.12", "--work-dir", tmp_path)
    assert len(ran) == 1
