"""Gains over single-task baselines, against figures by hand."""

from __future__ import annotations

from pathlib import Path

from mtlplugins.analysis.results import Run, read_run, result_tables
from tests.analysis.results.test_tables import rows_of, table_of
from tests.analysis.results.work_dirs import config, full_log, summaries_of, write_run

BASELINES = dict(depth="depth only", semantic="semantic only")


def run(
    folder: Path, name: str, seed: int, scores: dict[str, float], epochs: int = 2, **experiment
) -> Run:
    values = config(seed=seed, experiment=dict(name=name, **experiment))
    log = full_log(scores, epochs=epochs)[: 6 if epochs == 2 else 4]
    return read_run(write_run(folder / f"{name}{seed}".replace(" ", "_"), values, log))


def several(folder: Path, **experiment) -> list[Run]:
    return [
        run(folder, "both", seed, scores, **experiment)
        for seed, scores in enumerate(
            [
                {"depth/d1": 0.6, "depth/rmse": 0.5, "semantic/mIoU": 40.0, "mine/x": 1.0},
                {"depth/d1": 0.5, "depth/rmse": 0.4, "semantic/mIoU": 44.0, "mine/x": 1.0},
            ]
        )
    ]


def test_by_hand(tmp_path: Path) -> None:
    runs = several(tmp_path, baselines=BASELINES)
    # means of the baseline: 0.5 and 0.5
    runs += [
        run(tmp_path, "depth only", seed, {"depth/d1": d1, "depth/rmse": rmse})
        for seed, (d1, rmse) in enumerate([(0.4, 0.6), (0.6, 0.4)])
    ]
    runs.append(run(tmp_path, "semantic only", 0, {"semantic/mIoU": 40.0}))
    # a killed run counts nowhere
    runs.append(run(tmp_path, "both", 7, {"depth/d1": 9.0}, epochs=3, baselines=BASELINES))
    table = table_of(summaries_of(runs), "Against single tasks")
    (row,) = (row for row in rows_of(table).values())
    cells = {name: text for name, (text, _) in row.items()}
    # d1 +20 and 0 percent, rmse 0 and +20 (lower is better), so depth +10 twice; mIoU 0 and +10
    assert cells == {
        "": "both",
        "runs": "2",
        "Δm": "+7.50 ± 3.54",
        "depth": "+10.00 ± 0.00",
        "semantic": "+5.00 ± 7.07",
        "depth/d1": "+10.00 ± 14.14",
        "depth/rmse": "+10.00 ± 14.14",
        "semantic/mIoU": "+5.00 ± 7.07",
    }


def test_what_cannot_be_compared_is_said(tmp_path: Path) -> None:
    runs = several(tmp_path, baselines=BASELINES | dict(normals="depth only"))
    runs.append(run(tmp_path, "depth only", 0, {"depth/d1": 0.0, "depth/rmse": 0.5}))
    table = table_of(summaries_of(runs), "Against single tasks")
    assert table.header == ["", "runs", "depth", "depth/rmse"]  # no Δm without all tasks
    assert [cell.text for cell in table.rows[0]] == ["both", "2", *["+10.00 ± 14.14"] * 2]
    for problem in (
        "both: baseline 'semantic only' of semantic is not among the runs.",
        "both: baseline 'depth only' has no score of normals.",
        "both: the baseline's depth/d1 is 0.",
    ):
        assert problem in table.caption


def test_no_table_without_baselines(tmp_path: Path) -> None:
    tables = result_tables(summaries_of(several(tmp_path)))
    assert "Against single tasks" not in [table.title for table in tables]
