"""Work dirs as MMEngine's runner leaves them, written by hand."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from pprint import pformat
from typing import Any

from mtlplugins.analysis.results import Run, Summary, group_runs, summarise

EVALUATORS = [
    dict(type="MultiTaskIoUMetric", task="semantic"),
    dict(type="MultiTaskDepthMetric", task="depth"),
]


def config(*, seed: int = 0, epochs: int = 2, **changes: Any) -> dict[str, Any]:
    """A config of two tasks whose model cannot be built."""
    return (
        dict(
            model=dict(type="NoSuchModel", heads=dict(depth={}, semantic={})),
            train_cfg=dict(type="EpochBasedTrainLoop", max_epochs=epochs),
            val_cfg=dict(type="ValLoop"),
            val_dataloader=dict(dataset=dict(type="NoSuchData", data_root=f"data/{seed}")),
            val_evaluator=EVALUATORS,
            randomness=dict(seed=seed),
            work_dir=f"work/{seed}",
        )
        | changes
    )


def train(step: int, *, epoch: int = 1, **values: float) -> dict[str, float]:
    """A log entry of the training."""
    return {"lr": 1e-3, "time": 0.5, "epoch": epoch, "iter": step, "step": step, **values}


def val(epoch: int, scores: dict[str, float]) -> dict[str, float]:
    """A log entry of a validation."""
    return {**scores, "data_time": 0.1, "time": 0.2, "step": epoch}


def full_log(scores: dict[str, float], *, epochs: int = 2, loss: float = 1.0) -> list[dict]:
    """The log of a run of 20 iterations per epoch that went through, with its last scores."""
    entries = []
    for epoch in range(1, epochs + 1):
        entries += [
            train(20 * epoch - 10, epoch=epoch, depth_loss=3 * loss),
            train(20 * epoch, epoch=epoch, depth_loss=loss),
            val(epoch, scores if epoch == epochs else dict.fromkeys(scores, 0.0)),
        ]
    return entries


def write_run(
    work_dir: Path,
    values: dict[str, Any],
    *starts: Sequence[dict] | str,
    checkpoint: str | None = None,
    stem: str = "recipe",
) -> Path:
    """Write a config and the log of each start, as entries or as text."""
    work_dir.mkdir(parents=True)
    text = "".join(f"{key} = {pformat(value)}\n" for key, value in values.items())
    (work_dir / f"{stem}.py").write_text(text)
    for number, entries in enumerate(starts):
        folder = work_dir / f"20260101_00000{number}" / "vis_data"
        folder.mkdir(parents=True)
        (folder / "config.py").write_text(text)
        if not isinstance(entries, str):
            entries = "".join(json.dumps(entry) + "\n" for entry in entries)
        (folder / "scalars.json").write_text(entries)
    if checkpoint:
        (work_dir / checkpoint).touch()
        # the folder may have been elsewhere when this was written
        (work_dir / "last_checkpoint").write_text(f"/elsewhere/{checkpoint}")
    return work_dir


def summaries_of(runs: Iterable[Run]) -> list[Summary]:
    """Group runs and average them."""
    return [summarise(group) for group in group_runs(runs)]
