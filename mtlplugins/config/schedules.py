"""Schedules of a config compared with the length of its training."""

from __future__ import annotations

import logging
from typing import Any

from mmengine.config import Config
from mmengine.logging import print_log
from mmengine.optim.scheduler import param_scheduler as schedulers
from mmseg.registry import PARAM_SCHEDULERS

from mtlplugins.engine.resume.loops import counts_iterations

from .entries import class_of, schedules_of

#: Schedules that come down to a last value at their end.
_DECAYS = (
    schedulers.CosineAnnealingParamScheduler,
    schedulers.OneCycleParamScheduler,
    schedulers.PolyParamScheduler,
)


def check_schedules(cfg: Config) -> None:
    """Check that the schedules move, and warn of those that do not end with the training.

    Raises:
        ValueError: A schedule counts epochs, in a loop over iterations, which has a single one; or
            a one-cycle schedule ends before the training, which it then stops.
    """
    loop = cfg.get("train_cfg") or {}
    iterations = counts_iterations(loop)
    unit = "max_iters" if iterations else "max_epochs"
    ends: list[tuple[int, str]] = []
    for where, schedule in schedules_of(cfg).items():
        kind = class_of(schedule, PARAM_SCHEDULERS)
        plateau = issubclass(kind, schedulers.ReduceOnPlateauParamScheduler)
        by_epoch = schedule.get("by_epoch", True)
        converted = schedule.get("convert_to_iter_based") and not issubclass(kind, _DECAYS)
        if iterations and by_epoch and not converted and not plateau:
            raise ValueError(
                f"{where}: {schedule.get('type')} counts epochs, of which a loop over iterations "
                "has a single one; its value would stay as it starts, or come down with the first "
                "pass over the data: give by_epoch=False, and its lengths (begin, end, T_max, "
                "total_steps, milestones) in iterations"
            )
        if by_epoch is iterations or loop.get(unit) is None:
            continue
        end, length = _end(schedule), loop[unit]
        if issubclass(kind, schedulers.OneCycleParamScheduler):
            _warn_of_unused_rate(cfg, where, schedule)
            if end is not None and end < length:
                raise ValueError(
                    f"param_scheduler: OneCycleLR has total_steps={end}, after which it stops with "
                    f"an error, but the training {unit}={length}: make them equal"
                )
        decays = end is not None and issubclass(kind, _DECAYS)
        ends.append((length if end is None else end, where if decays else ""))
    if not ends:
        return
    end, where = max(ends)
    if where and end != loop[unit]:
        what = (
            "from there on it stays as it is (a cosine rises again)"
            if end < loop[unit]
            else "the training ends before it has come down"
        )
        _warn(f"{where} ends at {end}, but train_cfg.{unit}={loop[unit]}: {what}")


def _end(schedule: dict[str, Any]) -> int | None:
    """Return where a schedule ends, in its own unit; None for the end of the training."""
    begin = schedule.get("begin", 0)
    for key in ("total_steps", "T_max"):
        if schedule.get(key) is not None:
            return begin + schedule[key]
    return schedule.get("end")


def _warn_of_unused_rate(cfg: Config, where: str, schedule: dict[str, Any]) -> None:
    rate = ((cfg.get("optim_wrapper") or {}).get("optimizer") or {}).get("lr")
    peak = schedule.get("eta_max")
    if not isinstance(rate, (int, float)) or not isinstance(peak, (int, float)):
        return  # one per group
    if "LR" in str(schedule.get("type")) and rate != peak:
        _warn(
            f"{where} rises to eta_max={peak} and comes down from there: "
            f"optim_wrapper.optimizer.lr={rate} is used for nothing"
        )


def _warn(text: str) -> None:
    print_log(text, logger="current", level=logging.WARNING)


def follow_length(cfg: Config, old: Any, new: Any) -> None:
    """Let schedules that ended with the training end with one of another length.

    A training that an option shortens keeps the schedule, as it may be resumed for the rest; only
    that of a one-cycle schedule, which is made of its whole length, is shortened with it.

    Args:
        cfg: A config, changed in place.
        old: Epochs, or iterations, before.
        new: Epochs, or iterations, now.
    """
    if not isinstance(old, int) or not isinstance(new, int):
        return
    for schedule in schedules_of(cfg).values():
        begin = schedule.get("begin", 0)
        keys = {"total_steps": begin}
        if new > old:
            keys |= {"end": 0, "T_max": begin}
        for key, start in keys.items():
            if schedule.get(key) == old - start:
                schedule[key] = new - start


def follow_rate(cfg: Config, old: Any, new: Any) -> None:
    """Let one-cycle schedules that rose to the optimizer's rate rise to a new one."""
    if not isinstance(new, (int, float)) or new <= 0:
        return
    for schedule in schedules_of(cfg).values():
        if old is not None and schedule.get("eta_max") == old:
            schedule["eta_max"] = new
