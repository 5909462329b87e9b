"""The literature's table beside runs, against figures by hand."""

from __future__ import annotations

from pathlib import Path
from statistics import fmean

import pytest

from mtlplugins.analysis.results import Run, read_run, result_tables
from mtlplugins.analysis.results.literature import published
from tests.analysis.results.test_tables import table_of
from tests.analysis.results.work_dirs import config, summaries_of, train, val, write_run

EVALUATORS = [
    dict(type="MultiTaskIoUMetric", task="semantic"),
    dict(type="MultiTaskDepthMetric", task="depth", protocol="nyuv2-13"),
    dict(type="MultiTaskNormalsMetric", task="normals", protocol="nyuv2-13"),
]
NAMES = list(published()["nyuv2-13"]["columns"])
#: Whether higher is better, in the order of the columns; as in the code of Nash-MTL.
UP = [True, True, False, False, False, False, True, True, True]


def run(folder: Path, name: str, scores: list[dict[str, float]], **experiment) -> Run:
    """A run with a validation in each epoch."""
    values = config(epochs=len(scores), experiment=dict(name=name, **experiment))
    log = []
    for epoch, found in enumerate(scores, 1):
        log += [train(epoch, epoch=epoch), val(epoch, found)]
    values["val_evaluator"] = EVALUATORS
    return read_run(write_run(folder / name, values, log))


def test_the_published_changes_follow_from_the_columns() -> None:
    base, *rows = published()["nyuv2-13"]["rows"]
    assert len(rows) == 17
    differing = []
    for method, _, *values, change in rows:
        changes = [
            (v - b) / b * (-1 if up else 1) for v, b, up in zip(values, base[2:], UP, strict=False)
        ]
        if abs(100 * fmean(changes) - change) > 0.0105:
            differing.append(method)
    assert differing == ["IMTL-G", "Aligned-MTL"]  # as the caption says


def test_the_last_ten_epochs_against_the_baselines(tmp_path: Path) -> None:
    early = dict.fromkeys(NAMES, 99.0)
    # two values that alternate over ten epochs: their mean is 4
    scores = [early, early, *[dict.fromkeys(NAMES, value) for value in (3.0, 5.0) * 5]]
    baselines = dict.fromkeys(("semantic", "depth", "normals"), "alone")
    runs = [
        run(tmp_path, "both", scores, baselines=baselines),
        run(tmp_path, "alone", [dict.fromkeys(NAMES, 2.0)] * 12),
    ]
    table = table_of(summaries_of(runs), "Beside the literature: nyuv2-13")
    assert [row[0].text for row in table.rows[-2:]] == ["both", "alone"]
    cells = [cell.text for cell in table.rows[-2]]
    # a change of 100 % in each column: five of them better, four worse; shares become percent
    assert cells == ["both", "1", *["4"] * 6, *["400"] * 3, f"{-100 * (5 - 4) / 9:+.2f}"]
    assert table.rows[-1][-1].text == "–"  # names no baselines
    assert [cell.text for cell in table.rows[0]][2:] == [
        "38.3", "63.76", "0.6754", "0.278", "25.01", "19.21", "30.14", "57.2", "69.15", "+0.00",
    ]  # fmt: skip
    assert "only" not in table.caption.partition("Networks")[2]


def test_few_validations_and_missing_columns_are_shown(tmp_path: Path) -> None:
    scores = {name: 1.0 for name in NAMES if not name.startswith("normals")}
    table = table_of(
        summaries_of([run(tmp_path, "short", [scores])]), "Beside the literature: nyuv2-13"
    )
    assert [cell.text for cell in table.rows[-1]][-4:] == ["–"] * 4
    assert table.caption.endswith("short: only 1 validations.")


def test_gains_count_no_score_twice(tmp_path: Path) -> None:
    scores = {"depth/abs_err": 1.0, "depth/nyuv2-13/abs_err": 9.0}
    half = {name: value / 2 for name, value in scores.items()}
    runs = [
        run(tmp_path, "both", [half], baselines=dict(depth="alone")),
        run(tmp_path, "alone", [scores]),
    ]
    table = table_of(summaries_of(runs), "Against single tasks")
    assert table.header == ["", "runs", "Δm", "depth", "depth/abs_err"]
    assert table.rows[0][2].text == pytest.approx("+50.00")


def test_no_table_without_the_protocol(tmp_path: Path) -> None:
    tables = result_tables(summaries_of([run(tmp_path, "plain", [{"depth/d1": 1.0}])]))
    assert not [table for table in tables if "literature" in table.title]
