from __future__ import annotations

from mtlplugins.analysis.results.table import Cell, Table


def test_a_table_has_as_many_lines_as_rows() -> None:
    table = Table("a\n# b", "of\n* c", ["", "x|y"], [[Cell("new\nrow"), Cell("1|2", best=True)]])
    assert table.markdown().splitlines() == [
        "## a # b",
        "",
        r"|  | x\|y |",
        "| --- | --- |",
        r"| new row | **1\|2** |",
        "",
        r"of \* c",
    ]
