from __future__ import annotations

from pathlib import Path

import pytest

from mtlplugins.analysis.results import Spread, Summary, read_run
from tests.analysis.results.work_dirs import config, full_log, summaries_of, write_run


def test_only_values_that_are_there_are_averaged() -> None:
    assert Spread.of([1.0, None, 3.0]) == pytest.approx((2.0, 2**0.5, 2))
    assert Spread.of([0.0]) == (0.0, None, 1)
    assert Spread.of([None]) is None


def test_an_experiment_without_a_complete_run_has_no_scores(tmp_path: Path) -> None:
    begun = full_log({"depth/d1": 0.5})[:2]
    (summary,) = summaries_of([read_run(write_run(tmp_path / "a", config(), begun))])
    assert (summary.complete, summary.incomplete) == (0, 1)
    found = (summary.scores, summary.tested, summary.best, summary.training, summary.seconds)
    assert found == ({},) * 5


def test_directions_are_those_of_the_metrics(summaries: list[Summary]) -> None:
    up = summaries[0].higher_is_better
    assert (up["depth/d1"], up["depth/rmse"], up["semantic/mIoU"]) == (True, False, True)
