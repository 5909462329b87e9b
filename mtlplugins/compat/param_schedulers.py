"""Parameter schedulers that keep ``lr_mult`` and layer-wise decay of parameter groups."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from weakref import WeakKeyDictionary

from mmengine.optim.scheduler.param_scheduler import ReduceOnPlateauParamScheduler, _ParamScheduler

from ._replace import replace_once

#: Ratio of each parameter group to the base, by optimizer and scheduled value ("lr", …).
_ratios: WeakKeyDictionary[Any, dict[str, list[float]]] = WeakKeyDictionary()


def keep_ratios_of_groups() -> None:
    """Schedule the base value, and multiply it by the ratio of each parameter group.

    Breaks: absolute learning rates of a scheduler (``eta_max`` of ``OneCycleLR``, ``eta_min`` of
    the cosine and polynomial ones, ``min_value`` of ``ReduceOnPlateauLR``) apply to every group
    unscaled. ``lr_mult`` of ``paramwise_cfg``, layer-wise decay and ``auto_scale_lr`` then have no
    effect (OneCycleLR) or end in one rate (the others), and a module with ``lr_mult=0`` is trained.
    A list with one number per group stays as it is.
    Since: every MMEngine up to 0.10.7 (mmengine#1612).
    Ends: when MMEngine's schedulers scale these numbers by group.
    """
    for scheduler in (_ParamScheduler, ReduceOnPlateauParamScheduler):
        replace_once(scheduler, "__init__", _remembering)
        replace_once(scheduler, "step", _in_base_units)


def _remembering(init: Callable[..., None]) -> Callable[..., None]:
    def __init__(self: _ParamScheduler, optimizer: Any, param_name: str, *args: Any, **kw: Any):
        # before the first scheduler of an optimizer changes the values of its groups
        if optimizer not in _ratios or param_name not in _ratios[optimizer]:
            _ratios.setdefault(optimizer, {})[param_name] = _find_ratios(optimizer, param_name)
        init(self, optimizer, param_name, *args, **kw)

    return __init__


def _find_ratios(optimizer: Any, name: str) -> list[float]:
    # equal values too may be a multiple of the default: of auto_scale_lr, or of one lr_mult for all
    values = [group[name] for group in optimizer.param_groups]
    base = optimizer.defaults.get(name) or max(values)
    return [value / base if base else 1.0 for value in values]


def _in_base_units(step: Callable[..., None]) -> Callable[..., None]:
    def scheduled(self: _ParamScheduler, *args: Any, **kwargs: Any) -> None:
        """Schedule in units of each group's base value."""
        ratios = _ratios.get(self.optimizer, {}).get(self.param_name, [])
        if all(ratio == 1 for ratio in ratios) or _per_group(self):
            step(self, *args, **kwargs)
            return
        with _base_units(self, ratios):
            step(self, *args, **kwargs)
        self._last_value = [group[self.param_name] for group in self.optimizer.param_groups]

    return scheduled


def _per_group(scheduler: _ParamScheduler) -> bool:
    """Return whether the config gives one number per group, which sets the ratios itself."""
    numbers = getattr(scheduler, "eta_max", None), getattr(scheduler, "min_values", None)
    return isinstance(numbers[0], (list, tuple)) or len(set(numbers[1] or ())) > 1


@contextmanager
def _base_units(scheduler: _ParamScheduler, ratios: list[float]) -> Iterator[None]:
    """Context with all groups at the base's value; multiplied by their ratios after it."""
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
            # an unchanged value is restored exactly, without rounding
            group[name] = before if group[name] == value else group[name] * ratio


def _divided(values: list[float], ratios: list[float]) -> list[float]:
    """Divide values by the ratios; a group with ratio 0 gets the base's value."""
    base = next((v / r for v, r in zip(values, ratios, strict=True) if r), 0.0)
    return [v / r if r else base for v, r in zip(values, ratios, strict=True)]
