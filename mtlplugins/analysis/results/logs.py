"""Log of a run, joined over all starts if it was interrupted and resumed."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

#: Fields of a log entry that are neither training values nor scores.
_BOOKKEEPING = {
    "lr", "base_lr", "momentum", "grad_norm", "memory",
    "data_time", "time", "epoch", "iter", "step",
}  # fmt: skip

#: Longest integer accepted; one of 300 digits overflows float.
_DIGITS = 30


@dataclass(frozen=True)
class TrainEntry:
    """Training entry of a log.

    Attributes:
        step: Number of iterations done.
        epoch: Current epoch, from 1; None if the run counts iterations.
        time: Seconds per iteration; None if not measured.
        values: Losses and accuracies, averaged over the last few iterations.
    """

    step: int
    epoch: int | None
    time: float | None
    values: dict[str, float]


@dataclass(frozen=True)
class Validation:
    """Scores of one validation.

    Attributes:
        position: Number of epochs done, or of iterations if the run counts those.
        after: ``step`` of the last training entry before it.
        scores: Scores by ``<task>/<metric>``.
    """

    position: int
    after: int
    scores: dict[str, float]


@dataclass
class Log:
    """All entries of a run, in the order of training."""

    train: list[TrainEntry] = field(default_factory=list)
    validations: list[Validation] = field(default_factory=list)


def log_files(work_dir: Path) -> list[Path]:
    """List the log files of a work dir that have entries, the oldest first."""
    files = sorted(work_dir.glob("*/vis_data/scalars.json"))
    return [file for file in files if _entries(file)]


def read_log(files: list[Path], *, by_epoch: bool) -> Log:
    """Join the logs of several starts.

    A later start replaces the entries of earlier ones from its first iteration on, because it
    resumed from a checkpoint before that, or trained anew. A validation at its beginning replaces
    one that was interrupted.

    Args:
        files: ``scalars.json`` of each start, the oldest first.
        by_epoch: Whether the run counts epochs instead of iterations.

    Raises:
        ValueError: A line is not a JSON object (except the last line, which a kill may have cut),
            is nested too deeply or has a number that is too long, or a training entry has no step.
    """
    log = Log()
    for file in files:
        begun = False
        for entry in _entries(file):
            if "iter" in entry:
                step = entry.get("step")
                if not isinstance(step, int):
                    raise ValueError(f"{file}: an entry of the training has the step {step!r}")
                if not begun:
                    log.train = [e for e in log.train if e.step < step]
                    log.validations = [v for v in log.validations if v.after < step]
                    begun = True
                # an iteration-based loop logs epoch 1 throughout
                epoch = entry.get("epoch") if by_epoch else None
                log.train.append(TrainEntry(step, epoch, entry.get("time"), _values(entry)))
            elif (scores := _values(entry)) and log.train:
                last = log.train[-1] if begun else _last_before(log.train, entry, by_epoch=by_epoch)
                # iteration-based loops log step 0, unless configured to log the iteration
                position = last.epoch or int(entry.get("step") or last.step)
                log.validations = [v for v in log.validations if v.position != position]
                log.validations.append(Validation(position, last.step, scores))
    return log


def _last_before(train: list[TrainEntry], entry: dict, *, by_epoch: bool) -> TrainEntry:
    """Find the last training entry before a repeated validation."""
    position = int(entry.get("step") or 0)
    earlier = [e for e in train if ((e.epoch or 0) if by_epoch else e.step) <= position]
    return (earlier or train)[-1]


def _entries(file: Path) -> list[dict]:
    # undecodable bytes are replaced, and then fail as JSON
    lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
    entries = []
    for number, line in enumerate(lines, 1):
        try:
            entry = json.loads(line, parse_int=_int)
        except (ValueError, RecursionError) as error:
            if number == len(lines) and isinstance(error, json.JSONDecodeError):
                break
            raise ValueError(f"{file}, line {number}: no JSON ({error})") from error
        if not isinstance(entry, dict):
            raise ValueError(f"{file}, line {number}: not a JSON object")
        entries.append(entry)
    return entries


def _int(digits: str) -> int:
    if len(digits) > _DIGITS:
        raise ValueError(f"a number of {len(digits)} digits, more than any that is logged")
    return int(digits)


def _values(entry: dict) -> dict[str, float]:
    return {
        name: float(value)
        for name, value in entry.items()
        if name not in _BOOKKEEPING and isinstance(value, (int, float))
    }
