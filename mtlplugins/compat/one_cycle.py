"""Clear error for OneCycleLR schedules that are too short."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mmengine.optim.scheduler.param_scheduler import OneCycleParamScheduler

from ._replace import replace_once


def explain_short_cycles() -> None:
    """Raise a clear error for a ``OneCycleLR`` that warms up in a single step.

    Breaks: where ``pct_start * total_steps`` is 1, the warm-up has length 0, and MMEngine fails
    with "float division by zero".
    Since: every MMEngine up to 0.10.7; PyTorch's own scheduler does the same.
    Ends: when MMEngine refuses such a schedule itself.
    """
    replace_once(OneCycleParamScheduler, "__init__", _named)


def _named(init: Callable[..., None]) -> Callable[..., None]:
    def __init__(self: OneCycleParamScheduler, *args: Any, **kwargs: Any) -> None:
        try:
            init(self, *args, **kwargs)
        except ZeroDivisionError as error:
            raise ValueError(
                f"param_scheduler: OneCycleLR warms up in one of its {self.total_steps} steps, "
                "which leaves nothing to rise over: train for longer (total_steps, max_epochs), "
                "or set another pct_start"
            ) from error

    return __init__
