from __future__ import annotations

import csv
from pathlib import Path

import pytest

from mtlplugins.analysis.results import Summary, write_experiments, write_runs
from mtlplugins.analysis.results.csv_files import _write, csv_cell


def test_files_hold_full_precision(summaries: list[Summary], tmp_path: Path) -> None:
    write_experiments(summaries, tmp_path / "experiments.csv")
    with (tmp_path / "experiments.csv").open() as file:
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
    write_runs(summaries, tmp_path / "runs.csv")
    with (tmp_path / "runs.csv").open() as file:
        lines = list(csv.DictReader(file))
    assert [line["depth/d1"] for line in lines] == ["0.2", "0.4", "0.0", "0.25", ""]
    assert lines[2]["state"] == "incomplete: epoch 2 of 2"


@pytest.mark.parametrize("text", ["=1+1", "+1", "-2+3", "@SUM(A1)", "\t=1", "\r=1"])
def test_a_spreadsheet_computes_nothing(tmp_path: Path, text: str) -> None:
    _write([{"experiment": text, text: -0.5}], tmp_path / "a.csv")
    with (tmp_path / "a.csv").open(newline="") as file:
        header, row = csv.reader(file)
    assert header == ["experiment", f"'{text}"]
    assert row == [f"'{text}", "-0.5"]


@pytest.mark.parametrize("value", ["a=b", "-", "", "1-4-0.5", -1.5, None])
def test_other_cells_are_left_alone(value: object) -> None:
    assert csv_cell(value) == value
