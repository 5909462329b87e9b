"""A package outside adds a kind, a conditional module and a data set without edits of ours."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.outsider.journey import VAL, rim

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Run the journey once, in its own process: edgelab stays out of other tests' registries."""
    folder = tmp_path_factory.mktemp("outsider")
    paths = os.pathsep.join(map(str, (ROOT, ROOT / "tests/outsider")))
    command = [sys.executable, "-m", "tests.outsider.journey", str(folder)]
    environment = os.environ | dict(PYTHONPATH=paths, OMP_NUM_THREADS="1")
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return folder


@pytest.fixture(scope="module")
def report(folder: Path) -> dict:
    return json.loads((folder / "report.json").read_text())


def test_a_resumed_training_ends_as_the_whole_one(report: dict) -> None:
    assert report["whole"] == report["resumed"]


def test_the_conditional_module_learns_and_folds(report: dict) -> None:
    assert report["gate"] > 1e-3  # it starts at 0
    assert report["folded"] < 1e-5


def test_the_metric_scores(report: dict) -> None:
    assert set(report["scores"]) == {"cracks/f1", "place/top1"}
    assert 0 <= report["scores"]["cracks/f1"] <= 1


def test_the_baseline_scores(report: dict) -> None:
    likely = np.mean([rim(number) for number in range(3)], axis=0) > 0.5  # shelf_2 has no cracks
    hits = errors = 0
    for number in (4, 5):
        known, crack = np.s_[1:], rim(number)  # in the first row they are unknown
        hits += (likely & crack)[known].sum()
        errors += (likely != crack)[known].sum()
    assert 0 < hits < errors
    assert report["blind"]["cracks/f1"] == pytest.approx(2 * hits / (2 * hits + errors))


def test_the_data_check_finds_nothing(report: dict) -> None:
    assert report["problems"] == []


def test_predictions_and_panels_are_written(folder: Path, report: dict) -> None:
    for name in VAL:
        written = np.array(Image.open(folder / f"test/cracks/{name}.png"))
        assert (written.shape, written.dtype) == ((16, 24), np.uint8)
        assert (folder / f"test/place/{name}.json").is_file()
    assert len(list((folder / "test").glob("test_photo*.png"))) == len(VAL)
    assert report["unreadable"] == []
    assert (folder / "predicted/cracks/photo.png").is_file()
    assert (folder / "predicted/photo.png").is_file()
