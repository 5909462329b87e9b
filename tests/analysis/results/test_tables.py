from __future__ import annotations

import csv
from pathlib import Path

import pytest

from mtlplugins.analysis.results import (
    Table,
    group_runs,
    markdown,
    read_run,
    result_tables,
    write_groups,
    write_runs,
)
from tests.analysis.results.work_dirs import config, full_log, write_run

A, B, C = (
    dict(name="A", published={"depth/d1": 0.75}, source="Someone 2020"),
    dict(name="B", published={"depth/d1": 0.5, "semantic/mIoU": 49.04}),
    dict(name="C"),
)


@pytest.fixture
def groups(tmp_path: Path) -> list:
    """A: d1 0.2 and 0.4 and one killed; B: d1 0.3 and the lower error; C: neither."""
    runs = []
    for number, (experiment, seed, d1, rmse, epochs) in enumerate(
        [(A, 1, 0.2, 1.0, 2), (A, 2, 0.4, 3.0, 2), (A, 3, 0.9, 0.1, 3), (B, 1, 0.25, 1.5, 2)]
    ):
        log = full_log({"depth/d1": d1, "depth/rmse": rmse, "mine/x": 1.0}, epochs=epochs)
        log = log[: 6 if epochs == 2 else 4]
        values = config(seed=seed, experiment=experiment)
        runs.append(read_run(write_run(tmp_path / str(number), values, log)))
    log = full_log({"semantic/mIoU": 12.0})
    runs.append(read_run(write_run(tmp_path / "c", config(experiment=C), log)))
    return group_runs(runs)


def rows_of(table: Table) -> dict[str, dict[str, tuple[str, bool]]]:
    """Text and boldness by row and column."""
    return {
        row[0].text: {name: tuple(cell) for name, cell in zip(table.header, row, strict=True)}
        for row in table.rows
    }


def table_of(groups: list, title: str) -> Table:
    (table,) = (t for t in result_tables(groups) if t.title == title)
    return table


def test_means_spreads_and_the_best(groups: list) -> None:
    rows = rows_of(table_of(groups, "Last validation: depth"))
    assert list(rows) == ["A", "B"]  # C does not learn depth
    assert rows["A"]["runs"][0] == "2 (1 incomplete)"
    assert rows["A"]["d1 ↑"] == ("0.3000 ± 0.1414", True)
    assert rows["B"]["d1 ↑"] == ("0.2500", False)
    assert rows["A"]["rmse ↓"] == ("2.000 ± 1.414", False)
    assert rows["B"]["rmse ↓"] == ("1.500", True)


def test_what_has_no_direction_has_no_best(groups: list) -> None:
    rows = rows_of(table_of(groups, "Last validation: mine"))
    assert rows["A"]["x"] == ("1.0000 ± 0.0000", False)


def test_published_figures_stand_beside(groups: list) -> None:
    table = table_of(groups, "Ours beside the published figures")
    assert table.header[2:] == [
        "depth/d1 ↑, ours",
        "published",
        "semantic/mIoU ↑, ours",
        "published",
    ]
    texts = {row[0].text: [cell.text for cell in row[2:]] for row in table.rows}
    assert texts == {
        "A": ["0.3000 ± 0.1414", "0.7500", "–", "–"],
        "B": ["0.2500", "0.5000", "–", "49.04"],
        "C": ["–", "–", "12.00", "–"],
    }
    assert [row[3].best for row in table.rows] == [True, False, False]
    assert "Someone 2020" in table.caption
    assert "Balcioglu" in table.caption


def test_every_run_is_listed_with_its_state(groups: list) -> None:
    table = table_of(groups, "Runs")
    states = [(row[0].text, row[1].text, row[2].text) for row in table.rows]
    assert states[2] == ("A", "3", "incomplete: epoch 2 of 2")
    assert [s[2] for s in states].count("complete") == 4


def test_the_best_checkpoint_is_named_apart(groups: list) -> None:
    assert "Best checkpoints" not in [table.title for table in result_tables(groups)]
    work_dir = groups[1].runs[0].work_dir
    (work_dir / "best_depth_d1_epoch_2.pth").touch()
    row = rows_of(table_of(group_runs([read_run(work_dir)]), "Best checkpoints"))["B"]
    assert row["chosen by"][0] == "depth/d1"
    assert row["depth/rmse ↓"] == ("1.5000", False)


def test_training_losses(groups: list) -> None:
    row = rows_of(table_of(groups, "Training"))["A"]
    assert row["depth_loss"][0] == "2.000 ± 0.000"  # 3 and 1 in the last epoch
    assert row["s / epoch"][0] == "10.00 ± 0.00"
    assert row["parameters"][0] == "–"  # there is no such model


def test_markdown(groups: list) -> None:
    text = markdown(table_of(groups, "Last validation: depth"))
    assert "| A | 2 (1 incomplete) | **0.3000 ± 0.1414** | 2.000 ± 1.414 |" in text.splitlines()
    assert "| B | 1 | 0.2500 | **1.500** |" in text.splitlines()


def test_sheets_hold_full_precision(groups: list, tmp_path: Path) -> None:
    write_groups(groups, tmp_path / "groups.csv")
    with (tmp_path / "groups.csv").open() as file:
        lines = {line["experiment"]: line for line in csv.DictReader(file)}
    assert float(lines["A"]["depth/d1"]) == pytest.approx(0.3)
    assert float(lines["A"]["depth/d1 std"]) == pytest.approx(0.02**0.5, rel=1e-12)
    assert [lines["A"][key] for key in ("depth/d1 n", "incomplete", "Multitask")] == [
        "2",
        "1",
        "True",
    ]
    assert lines["B"]["depth/d1 std"] == ""
    assert lines["B"]["semantic/mIoU published"] == "49.04"
    write_runs(groups, tmp_path / "runs.csv")
    with (tmp_path / "runs.csv").open() as file:
        lines = list(csv.DictReader(file))
    assert [line["depth/d1"] for line in lines] == ["0.2", "0.4", "0.0", "0.25", ""]
    assert lines[2]["state"] == "incomplete: epoch 2 of 2"
