"""What people call their runs does not become part of a table's form."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from mtlplugins.analysis.results import Table, markdown
from mtlplugins.analysis.results.cells import Cell
from mtlplugins.analysis.results.escaping import csv_cell, markdown_text
from mtlplugins.analysis.results.sheets import _write


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("runs/swin_cond_rooms", "runs/swin_cond_rooms"),
        ("0.2172 ± 0.0010", "0.2172 ± 0.0010"),
        ("a|b", r"a\|b"),
        ("x`y", r"x\`y"),
        ("**b**", r"\*\*b\*\*"),
        ("_b_", r"\_b\_"),
        ("<script>", r"\<script\>"),
        ("[l](javascript:alert(1))", r"\[l\](javascript:alert(1))"),
        ("new\nline\n\n# H1", "new line # H1"),
        ("a\\|b", r"a\\\|b"),
    ],
)
def test_markdown(text: str, written: str) -> None:
    assert markdown_text(text) == written


def test_a_table_has_as_many_lines_as_rows() -> None:
    table = Table("a\n# b", "of\n* c", ["", "x|y"], [[Cell("new\nrow"), Cell("1|2", best=True)]])
    assert markdown(table).splitlines() == [
        "## a # b",
        "",
        r"|  | x\|y |",
        "| --- | --- |",
        r"| new row | **1\|2** |",
        "",
        r"of \* c",
    ]


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
