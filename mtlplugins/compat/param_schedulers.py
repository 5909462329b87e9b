"""Schedules that keep the ratios between parameter groups."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from weakref import WeakKeyDictionary

from mmengine.optim.scheduler.param_scheduler import ReduceOnPlateauParamScheduler, _ParamScheduler

from ._replace import replace_once

#: Of each optimizer and scheduled value ("lr", "weight_decay"), its groups' ratios to the base.
_ratios: WeakKeyDictionary[Any, dict[str, list[float]]] = WeakKeyDictionary()


def keep_ratios_of_groups() -> None:
    """Schedule the base value, and give each parameter group its own multiple of it.

    Breaks: numbers of a schedule that are learning rates themselves, ``eta_max`` of ``OneCycleLR``,
    ``eta_min`` of the cosine and polynomial ones, ``min_value`` of ``ReduceOnPlateauLR``, hold for
    every group alike. ``lr_mult`` of ``paramwise_cfg`` and layer-wise decay then have no effect
    (OneCycleLR) or end in one rate (the others), and a part with ``lr_mult=0`` is trained.
    A number per group, given as a list, stays what it is.
    Since: every MMEngine up to 0.10.7 (mmengine#1612).
    Ends: when MMEngine's schedulers take their numbers for those of the base group.
    """
    for scheduler in (_ParamScheduler, ReduceOnPlateauParamScheduler):
        replace_once(scheduler, "__init__", _remembering)
        replace_once(scheduler, "step", _in_base_units)


def _remembering(init: Callable[..., None]) -> Callable[..., None]:
    def __init__(self: _ParamScheduler, optimizer: Any, param_name: str, *args: Any, **kw: Any):
        # before the first scheduler of an optimizer changes what its groups were given
        if optimizer not in _ratios or param_name not in _ratios[optimizer]:
            _ratios.setdefault(optimizer, {})[param_name] = _find_ratios(optimizer, param_name)
        init(self, optimizer, param_name, *args, **kw)

    return __init__


def _find_ratios(optimizer: Any, name: str) -> list[float]:
    values = [group[name] for group in optimizer.param_groups]
    if len(set(values)) == 1 and values[0]:  # of one value, whatever the defaults are
        return [1.0] * len(values)
    base = optimizer.defaults.get(name) or max(values)
    return [value / base if base else 1.0 for value in values]


def _in_base_units(step: Callable[..., None]) -> Callable[..., None]:
    def scheduled(self: _ParamScheduler, *args: Any, **kwargs: Any) -> None:
        ratios = _ratios.get(self.optimizer, {}).get(self.param_name, [])
        if all(ratio == 1 for ratio in ratios) or _per_group(self):
            step(self, *args, **kwargs)
            return
        with _base_units(self, ratios):
            step(self, *args, **kwargs)
        self._last_value = [group[self.param_name] for group in self.optimizer.param_groups]

    return scheduled


def _per_group(scheduler: _ParamScheduler) -> bool:
    """Whether the config gives a number for each group, which is then the user's own ratio."""
    numbers = getattr(scheduler, "eta_max", None), getattr(scheduler, "min_values", None)
    return isinstance(numbers[0], (list, tuple)) or len(set(numbers[1] or ())) > 1


@contextmanager
def _base_units(scheduler: _ParamScheduler, ratios: list[float]) -> Iterator[None]:
    """Let all groups have the base's value meanwhile, and their multiples of it afterwards."""
    name, groups = scheduler.param_name, scheduler.optimizer.param_groups
    own = [group[name] for group in groups]
    bases = getattr(scheduler, "base_values", None)  # ReduceOnPlateau has none
    given = _divided(own, ratios)
    for group, value in zip(groups, given, strict=True):
        group[name] = value
    if bases is not None:
        scheduler.base_values = _divided(bases, ratios)
    try:
        yield
    finally:
        if bases is not None:
            scheduler.base_values = bases
        for group, ratio, before, value in zip(groups, ratios, own, given, strict=True):
            # what the schedule leaves alone is not rounded
            group[name] = before if group[name] == value else group[name] * ratio


def _divided(values: list[float], ratios: list[float]) -> list[float]:
    """Divide by the ratios; a group that is 0 gets the base's value, of which it stays 0 times."""
    base = next((v / r for v, r in zip(values, ratios, strict=True) if r), 0.0)
    return [v / r if r else base for v, r in zip(values, ratios, strict=True)]
