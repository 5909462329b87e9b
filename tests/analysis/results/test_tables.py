from __future__ import annotations

from mtlplugins.analysis.results import Summary, Table, read_run, result_tables
from tests.analysis.results.work_dirs import summaries_of


def rows_of(table: Table) -> dict[str, dict[str, tuple[str, bool]]]:
    """Text and boldness by row and column."""
    return {
        row[0].text: {name: tuple(cell) for name, cell in zip(table.header, row, strict=True)}
        for row in table.rows
    }


def table_of(summaries: list[Summary], title: str) -> Table:
    (table,) = (t for t in result_tables(summaries) if t.title == title)
    return table


def test_means_spreads_and_the_best(summaries: list[Summary]) -> None:
    rows = rows_of(table_of(summaries, "Last validation: depth"))
    assert list(rows) == ["A", "B"]  # C does not learn depth
    assert rows["A"]["runs"][0] == "2 (1 incomplete)"
    assert rows["A"]["d1 ↑"] == ("0.3000 ± 0.1414", True)
    assert rows["B"]["d1 ↑"] == ("0.2500", False)
    assert rows["A"]["rmse ↓"] == ("2.000 ± 1.414", False)
    assert rows["B"]["rmse ↓"] == ("1.500", True)


def test_what_has_no_direction_has_no_best(summaries: list[Summary]) -> None:
    rows = rows_of(table_of(summaries, "Last validation: mine"))
    assert rows["A"]["x"] == ("1.0000 ± 0.0000", False)


def test_published_scores_stand_beside(summaries: list[Summary]) -> None:
    table = table_of(summaries, "Ours beside the published scores")
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
    assert table.caption.endswith("Published: Someone 2020.")


def test_every_run_is_listed_with_its_state(summaries: list[Summary]) -> None:
    table = table_of(summaries, "Runs")
    states = [(row[0].text, row[1].text, row[2].text) for row in table.rows]
    assert states[2] == ("A", "3", "incomplete: epoch 2 of 2")
    assert [s[2] for s in states].count("complete") == 4


def test_the_best_checkpoint_is_named_apart(summaries: list[Summary]) -> None:
    assert "Best checkpoints" not in [table.title for table in result_tables(summaries)]
    work_dir = summaries[1].runs[0].work_dir
    (work_dir / "best_depth_d1_epoch_2.pth").touch()
    row = rows_of(table_of(summaries_of([read_run(work_dir)]), "Best checkpoints"))["B"]
    assert row["chosen by"][0] == "depth/d1"
    assert row["depth/rmse ↓"] == ("1.5000", False)


def test_training_losses(summaries: list[Summary]) -> None:
    row = rows_of(table_of(summaries, "Training"))["A"]
    assert row["depth_loss"][0] == "2.000 ± 0.000"  # 3 and 1 in the last epoch
    assert row["s / epoch"][0] == "10.00 ± 0.00"
    assert row["parameters"][0] == "–"  # there is no such model


def test_markdown(summaries: list[Summary]) -> None:
    text = table_of(summaries, "Last validation: depth").markdown()
    assert "| A | 2 (1 incomplete) | **0.3000 ± 0.1414** | 2.000 ± 1.414 |" in text.splitlines()
    assert "| B | 1 | 0.2500 | **1.500** |" in text.splitlines()
