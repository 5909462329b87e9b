"""Names of runs are escaped in Markdown tables."""

from __future__ import annotations

import pytest

from mtlplugins.common.markdown import markdown_table, markdown_text


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


def test_a_table() -> None:
    text = markdown_table(["", "a|b"], [["x", "1"], ["_y_", "2"]], bold=[(0, 1)], right=True)
    assert text.splitlines() == [
        r"|  | a\|b |",
        "| --- | ---: |",
        "| x | **1** |",
        r"| \_y\_ | 2 |",
    ]
    assert markdown_table(["a", "b"], []).splitlines()[1:] == ["| --- | --- |"]
