"""What a run prints: enough for a person, and no more."""

from __future__ import annotations

import io
import logging
import sys
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.logging import print_log

from mtlplugins.common.notice import Notice
from mtlplugins.engine import MultiTaskRunner
from mtlplugins.engine.console.console_hook import score_table
from mtlplugins.engine.console.short_log import print_whole_log, shorten_console
from tests.engine.resume._stopping import Line, Mean, Numbers

VALUES = [0.5, 0.25, 0.75]  # scores of three validations


def run(work_dir: Path, **default_hooks: Any) -> str:
    """Train three epochs of four batches; return what the log file holds."""
    loader = dict(batch_size=2, num_workers=0, collate_fn=dict(type="default_collate"))
    runner = MultiTaskRunner(
        Line(),
        str(work_dir),
        train_dataloader=dict(loader, dataset=Numbers(), sampler=dict(type="DrawSampler")),
        train_cfg=dict(by_epoch=True, max_epochs=3),
        val_dataloader=dict(loader, dataset=Numbers(), sampler=dict(type="DefaultSampler")),
        val_evaluator=[Mean(list(VALUES))],
        val_cfg=dict(),
        optim_wrapper=dict(optimizer=dict(type="AdamW", lr=0.05)),
        default_hooks=default_hooks,
        randomness=dict(seed=3),
        resume=True,
    )
    runner.train()
    return "".join(path.read_text() for path in work_dir.rglob("*.log"))


def cells(printed: str) -> list[list[str]]:
    return [line.split() for line in printed.splitlines()]


def test_a_run_prints_a_summary_progress_and_scores(tmp_path: Path, capsys) -> None:
    log = run(tmp_path)
    printed = capsys.readouterr().out
    assert "model      Line, 4 parameters, 4 of them trained" in printed
    assert "schedule   3 epochs of 4 iterations, batches of 2" in printed
    assert f"work dir   {tmp_path}" in printed
    assert "\n12/12 iterations, " in printed
    assert "(epoch 3, loss " in printed
    assert [row for row in cells(printed) if "mean" in row] == [
        ["mean", "0.5"],
        ["mean", "0.25", "-0.25"],
        ["mean", "0.75", "+0.5"],
    ]
    # MMEngine's log is in the file alone
    for text in ("System environment", "Hooks will be executed", "Epoch(train)"):
        assert text in log
        assert text not in printed


def test_switched_off_the_log_is_printed(tmp_path: Path, capsys) -> None:
    cfg = Config(dict())
    print_whole_log(cfg)
    run(tmp_path, **cfg.default_hooks)
    printed = capsys.readouterr().out
    assert "Hooks will be executed" in printed
    assert "of them trained" not in printed


def test_a_resumed_run_says_where_it_starts(tmp_path: Path, capsys) -> None:
    run(tmp_path)
    (tmp_path / "epoch_3.pth").unlink()
    capsys.readouterr()
    run(tmp_path)
    printed = capsys.readouterr().out
    assert f"Load checkpoint from {tmp_path / 'epoch_2.pth'}" in printed
    assert "Resumed at epoch 2, iteration 8" in printed
    assert "\n9/12 iterations, " in printed


def test_warnings_and_notices_pass_and_files_get_everything(tmp_path: Path) -> None:
    logger = logging.Logger("short")
    console = io.StringIO()
    logger.addHandler(logging.StreamHandler(console))
    logger.addHandler(logging.FileHandler(tmp_path / "log"))
    shorten_console(logger)
    library = dict(__name__="mmengine.runner.runner", logger=logger)
    exec('logger.info("the config")', library)
    logger.info("a hook of mine")
    print_log("a layer of mine", logger)
    logger.info(Notice("795 images"))
    logger.warning("class %d never occurs", 3)
    logger.error("no space")
    assert console.getvalue().splitlines() == [
        "a hook of mine",
        "a layer of mine",
        "795 images",
        "WARNING: class 3 never occurs",
        "ERROR: no space",
    ]
    assert len((tmp_path / "log").read_text().splitlines()) == 6


def test_a_warning_replaces_the_progress_bar_on_a_terminal(monkeypatch) -> None:
    terminal = io.StringIO()
    terminal.isatty = lambda: True
    monkeypatch.setattr(sys, "stdout", terminal)
    logger = logging.Logger("terminal")
    logger.addHandler(logging.StreamHandler(terminal))
    shorten_console(logger)
    logger.warning("slow")
    assert terminal.getvalue() == "\r\x1b[KWARNING: slow\n"


def test_scores_of_a_task_that_was_not_scored_before() -> None:
    table = score_table({"depth/d1": 0.61234, "edges/f": 70.0}, {"depth/d1": 0.5}, "epoch 2")
    assert cells(table) == [
        ["epoch", "2", "change"],
        ["depth/d1", "0.6123", "+0.1123"],
        ["edges/f", "70"],
    ]
