from __future__ import annotations

from pathlib import Path

import pytest

from mtlplugins.analysis.results import Summary, read_run
from tests.analysis.results.work_dirs import config, full_log, summaries_of, write_run

A, B, C = (
    dict(name="A", published={"depth/d1": 0.75}, source="Someone 2020"),
    dict(name="B", published={"depth/d1": 0.5, "semantic/mIoU": 49.04}),
    dict(name="C"),
)


@pytest.fixture
def summaries(tmp_path: Path) -> list[Summary]:
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
    return summaries_of(runs)
