"""Log of a run, joined over the starts of one that was interrupted and resumed."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

#: What a log entry carries besides values of the training or of a validation.
_BOOKKEEPING = {
    "lr", "base_lr", "momentum", "grad_norm", "memory",
    "data_time", "time", "epoch", "iter", "step",
}  # fmt: skip

#: Of whole numbers; of 300, such a number is no float any more.
_DIGITS = 30


@dataclass(frozen=True)
class TrainEntry:
    """Entry that a run logged while it trained.

    Attributes:
        step: Iterations done.
        epoch: The epoch that it stands in, from 1; None where the run counts iterations.
        time: Seconds per iteration; None where nothing timed them.
        values: Losses and accuracies, as means over the last few iterations.
    """

    step: int
    epoch: int | None
    time: float | None
    values: dict[str, float]


@dataclass(frozen=True)
class Validation:
    """The scores of one validation.

    Attributes:
        position: Epochs done, or iterations where the run counts those.
        after: ``step`` of the last training entry before it.
        scores: ``<task>/<metric>``.
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
    """List the logs of a work dir's starts that trained or validated, the oldest first."""
    files = sorted(work_dir.glob("*/vis_data/scalars.json"))
    return [file for file in files if _entries(file)]


def read_log(files: list[Path], *, by_epoch: bool) -> Log:
    """Join the logs of several starts.

    A later start replaces everything that the earlier ones logged from its first iteration on: it
    was resumed from a checkpoint before that, or trained anew. A validation that it begins with
    makes up for one that was cut short.

    Args:
        files: ``scalars.json`` of each start, the oldest first.
        by_epoch: Whether the run counts epochs, and not iterations.

    Raises:
        ValueError: A line other than the last, which a kill may have cut, is no JSON object, any
            line is nested or has a number beyond all measure, or an entry of the training does not
            say its step.
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
                # a loop over iterations notes epoch 1 throughout
                epoch = entry.get("epoch") if by_epoch else None
                log.train.append(TrainEntry(step, epoch, entry.get("time"), _values(entry)))
            elif (scores := _values(entry)) and log.train:
                last = log.train[-1] if begun else _last_before(log.train, entry, by_epoch=by_epoch)
                # loops over iterations note 0, unless told to note the iteration
                position = last.epoch or int(entry.get("step") or last.step)
                log.validations = [v for v in log.validations if v.position != position]
                log.validations.append(Validation(position, last.step, scores))
    return log


def _last_before(train: list[TrainEntry], entry: dict, *, by_epoch: bool) -> TrainEntry:
    """Find what had been trained when a validation was run anew."""
    position = int(entry.get("step") or 0)
    earlier = [e for e in train if ((e.epoch or 0) if by_epoch else e.step) <= position]
    return (earlier or train)[-1]


def _entries(file: Path) -> list[dict]:
    # what is no text is no JSON either
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
