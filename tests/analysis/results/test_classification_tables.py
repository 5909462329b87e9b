"""Tables in the study's layout: two lines per model, ours and the study's."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mtlplugins.analysis.results import read_run, result_tables
from tests.analysis.results.work_dirs import summaries_of, train, val, write_run

TASKS = ("label", "superclass")
PUBLISHED = {
    "label/top1": 67.5, "label/cross_entropy": 1.61,
    "superclass/top1": 93.7, "superclass/cross_entropy": 0.284,
}  # fmt: skip
TRAIN = {
    "label/loss": 0.123, "label/acc": 96.4, "superclass/loss": 0.016, "superclass/acc": 99.5
}  # fmt: skip


def config(seed: int, experiment: dict, *, tasks: tuple[str, ...] = TASKS) -> dict:
    return dict(
        model=dict(
            type="NoSuchModel",
            tasks=tasks,
            heads={task: dict(type="X", dropout=0.2) for task in TASKS},
            task_weights=dict(label=0.4, superclass=0.6),
        ),
        optim_wrapper=dict(optimizer=dict(type="Adam", lr=1e-3)),
        train_dataloader=dict(batch_size=128),
        train_cfg=dict(max_epochs=2),
        val_cfg=dict(),
        val_dataloader=dict(),
        val_evaluator=[],
        randomness=dict(seed=seed),
        experiment=experiment,
    )


def log(label_loss: float, top1: float) -> list[dict]:
    figures = dict(label_loss=label_loss, label_acc=90.0, superclass_loss=0.06, superclass_acc=98.0)
    scores = {"label/top1": top1, "label/cross_entropy": 2.0}
    scores |= {"superclass/top1": 91.0, "superclass/cross_entropy": 0.3}
    return [
        train(20, epoch=1, **dict.fromkeys(figures, 9.0)),
        val(1, dict.fromkeys(scores, 1.0)),
        train(40, epoch=2, **figures),
        val(2, scores),
    ]


def note_test(work_dir: Path, stamp: str, top1: float) -> None:
    folder = work_dir / stamp
    folder.mkdir()
    scores = {"label/top1": top1, "label/cross_entropy": 1.5, "data_time": 0.1, "time": 0.2}
    scores |= {"superclass/top1": 92.0, "superclass/cross_entropy": 0.25}
    (folder / f"{stamp}.json").write_text(json.dumps(scores))


@pytest.fixture
def figures(tmp_path) -> dict:
    four = dict(number=7, model=4, train=TRAIN, seconds_per_epoch=63)
    model4 = dict(name="Figure 7 model 4", figure=four, published=PUBLISHED)
    ours = dict(name="ours", figure=dict(number=7, model="ours"))
    alone = dict(name="alone", figure=dict(number=3, model=1))
    runs = [
        write_run(tmp_path / "a", config(0, model4), log(0.2, 60.0)),
        write_run(tmp_path / "b", config(1, model4), log(0.4, 62.0)),
        write_run(tmp_path / "c", config(0, ours), log(0.2, 70.0)),
        write_run(tmp_path / "d", config(0, alone, tasks=("label",)), log(0.2, 50.0)),
        write_run(tmp_path / "e", config(0, dict(name="of no figure")), log(0.2, 50.0)),
    ]
    for work_dir, top1 in zip(runs[:2], (66.0, 68.0), strict=True):
        note_test(work_dir, "20260102_000000", 1.0)  # an older test
        note_test(work_dir, "20260103_000000", top1)
    tables = result_tables(summaries_of(map(read_run, runs)))
    assert "Ours beside the published scores" not in [table.title for table in tables]
    return {table.title: table for table in tables if table.title.startswith("Figure")}


def test_lines_of_a_figure(figures: dict) -> None:
    assert list(figures) == ["Figure 3", "Figure 7"]
    lines = [[cell.text for cell in row] for row in figures["Figure 7"].rows]
    assert lines[0] == [
        "4", "ours", "2", "128", "0.4", "0.2", "Adam 0.001",
        # raw, whatever the weights
        "0.300 ± 0.141, 0.060 ± 0.000", "90.00 ± 0.00, 98.00 ± 0.00",
        "1.500 ± 0.000, 0.250 ± 0.000", "67.00 ± 1.41, 92.00 ± 0.00", "10.0 ± 0.0", "–",
    ]  # fmt: skip
    assert lines[1] == [
        "4", "study", "", "", "", "", "",
        "0.123, 0.016", "96.4, 99.5", "1.610, 0.284", "67.5, 93.7", "~63", "",
    ]  # fmt: skip
    # not tested: the last validation, marked; of ours the study has nothing
    assert lines[2][:2] == ["ours", "ours"]
    assert lines[2][9:11] == ["2.000*, 0.300*", "70.00*, 91.00*"]
    assert len(lines) == 3
    assert "| 4 | study |" in figures["Figure 7"].markdown()


def test_a_single_task(figures: dict) -> None:
    ((line),) = [[cell.text for cell in row] for row in figures["Figure 3"].rows]
    assert (line[4], line[10]) == ("–", "50.00*")
