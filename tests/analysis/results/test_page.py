from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from mtlplugins.analysis.results import Table, panels, read_run, write_page
from mtlplugins.analysis.results.table import Cell
from tests.analysis.results.work_dirs import config, full_log, summaries_of, write_run

HOSTILE = "<script>alert(1)</script>"


def test_no_text_becomes_markup(tmp_path: Path) -> None:
    """Neither names nor scores, the best ones included."""
    experiment = dict(name=HOSTILE)
    log = full_log({f"depth/{HOSTILE}": 0.5})
    run = read_run(
        write_run(tmp_path / HOSTILE.replace("/", ""), config(experiment=experiment), log)
    )
    cells = [[Cell(HOSTILE), Cell(HOSTILE, best=True)]]
    table = Table(title=HOSTILE, caption=HOSTILE, header=[HOSTILE, HOSTILE], rows=cells)
    write_page(
        tmp_path / "page.html",
        HOSTILE,
        summaries_of([run]),
        [table],
        panels=None,
        left_out={HOSTILE: HOSTILE},
    )
    page = (tmp_path / "page.html").read_text()
    assert "<script" not in page
    assert page.count("<strong>&lt;script&gt;alert(1)&lt;/script&gt;</strong>") == 1


def test_runs_that_did_not_reach_their_end_are_dashed_and_said(tmp_path: Path) -> None:
    log = full_log({"depth/d1": 0.5}, epochs=3)
    runs = [
        read_run(write_run(tmp_path / "whole", config(seed=1, epochs=3), log)),
        # trained to the end and killed in the last validation
        read_run(write_run(tmp_path / "cut", config(seed=2, epochs=3), log[:-1])),
    ]
    assert [run.complete for run in runs] == [True, False]
    write_page(
        tmp_path / "page.html", "Title", summaries_of(runs), [], panels=None, left_out={}
    )  # fmt: skip
    page = (tmp_path / "page.html").read_text()
    assert "seed 2: incomplete: epoch 3 of 3; in no average." in page
    assert "seed 1:" not in page
    assert page.count("stroke-dasharray") == 2  # the score, and the loss


def test_panels_show_predictions_without_dropout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Model(nn.Module):
        def test_step(self, batch: dict) -> list:
            raise RuntimeError(f"training={self.training}")

    item = dict(inputs=torch.zeros(3, 4, 4), data_samples=None)
    run = SimpleNamespace(
        config=SimpleNamespace(
            model={}, get=lambda key: None, val_dataloader=SimpleNamespace(dataset={})
        ),
        checkpoint=tmp_path / "epoch_1.pth",
        work_dir=tmp_path,
    )
    run.checkpoint.touch()
    monkeypatch.setattr(panels.DATASETS, "build", lambda cfg: [item])
    monkeypatch.setattr(panels.MODELS, "build", lambda cfg: Model())
    monkeypatch.setattr(panels, "read_checkpoint", lambda path: ({}, {}))
    monkeypatch.setattr(panels, "load_state", lambda *args: None)
    assert panels.draw_panels(run).note == "RuntimeError: training=False"
