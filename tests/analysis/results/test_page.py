from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from mtlplugins.analysis.results import Table, panels, read_run, write_page
from mtlplugins.analysis.results import page as page_module
from mtlplugins.analysis.results.chart_groups import chart_groups
from mtlplugins.analysis.results.table import Cell
from tests.analysis.results.work_dirs import config, full_log, summaries_of, write_run

HOSTILE = "<script>alert(1)</script>"


@pytest.fixture(autouse=True)
def script(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stand for the script of Plotly."""
    monkeypatch.setattr(page_module, "plotly_script", lambda: "var Plotly;")


def charts_of(page: str) -> list[dict]:
    data = page.partition('id="charts">')[2].partition("</script>")[0]
    return json.loads(data)


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
    assert HOSTILE not in page
    assert "alert(1)</" not in page  # in the data of the charts either
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
    score, loss = charts_of(page)
    assert [chart["title"] for chart in (score, loss)] == ["depth/d1 ↑", "depth_loss"]
    for chart in (score, loss):
        assert [trace["line"]["dash"] for trace in chart["data"]] == ["solid", "dash"]
    assert page.count("data-chart=") == 2


def test_without_plotly_the_page_says_how_to_get_it(
    tmp_path: Path, summaries: list, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page_module, "plotly_script", lambda: None)
    write_page(tmp_path / "page.html", "T", summaries, [], panels=None, left_out={})
    page = (tmp_path / "page.html").read_text()
    assert "pip install &#x27;mtlplugins[results]&#x27;" in page
    assert "data-chart=" not in page


def test_gains_weights_and_affinity_have_charts(tmp_path: Path) -> None:
    baselines = dict(depth="alone")
    log = full_log({"depth/d1": 0.6})
    for entry in log:
        if "iter" in entry:
            entry |= dict(depth_weight=entry["iter"] / 10, depth_share=0.25)
    multi = write_run(
        tmp_path / "multi", config(experiment=dict(name="m", baselines=baselines)), log
    )
    alone = write_run(
        tmp_path / "alone", config(experiment=dict(name="alone")), full_log({"depth/d1": 0.5})
    )
    (multi / "affinity").mkdir()
    part = dict(
        parts=dict(all=dict(cosine=[[1, 0.25], [0.25, 1]])),
        history=[dict(share=[0.75, 0.25]), dict(share=[0.5, 0.5])],
    )
    names = ["a/epoch_2.pth", "a/epoch_8.pth"]
    report = dict(tasks=["depth", "semantic"], own=part, folded=None, checkpoints=names)
    (multi / "affinity" / "report.json").write_text(json.dumps(report))
    summaries = summaries_of([read_run(multi), read_run(alone)])
    groups = dict(chart_groups(summaries))
    assert list(groups) == [
        "Gains over single tasks", "Validation", "Task weights and gradient shares",
        "Task affinity", "Training",
    ]  # fmt: skip
    gain, metrics = groups["Gains over single tasks"]
    assert gain["data"][0]["x"] == ["Δm", "depth"]
    assert metrics["data"][0]["x"] == ["d1"]
    assert metrics["title"] == "gain over single tasks in depth, %"
    for chart in (gain, metrics):
        assert chart["data"][0]["y"] == pytest.approx([20] * len(chart["data"][0]["x"]))
    weight, share = groups["Task weights and gradient shares"]
    assert weight["data"][0]["y"] == [1, 2, 3, 4]
    assert share["data"][0]["y"] == [0.25] * 4
    cosine, shares = groups["Task affinity"]
    assert cosine["data"][0]["z"] == [[1, 0.25], [0.25, 1]]
    assert [(trace["x"], trace["y"]) for trace in shares["data"]] == [
        ([2, 8], [75, 50]),
        ([2, 8], [25, 50]),
    ]
    assert shares["layout"]["showlegend"]
    assert len({trace["line"]["color"] for trace in shares["data"]}) == 2


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
