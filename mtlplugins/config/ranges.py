"""Range checks for numbers that libraries accept silently."""

from __future__ import annotations

from collections.abc import Callable
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

from mmengine.config import Config

from mtlplugins.common.private import config_dict

from .entries import walk


class _Rule(NamedTuple):
    fits: Callable[[Any], bool]
    advice: str
    several: bool = False  # whether a list of such values is allowed too


def _whole(value: Any, at_least: int = 1) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= at_least


def _number(value: Any) -> bool:
    finite = isinstance(value, (int, float)) and -float("inf") < value < float("inf")
    return finite and not isinstance(value, bool)


_COUNT = _Rule(_whole, "a whole number above 0")
_COUNTS = _COUNT._replace(several=True)
_ABOVE_0 = _Rule(lambda v: _number(v) and v > 0, "a number above 0")
_SHARE = _Rule(lambda v: _number(v) and 0 <= v < 1, "a share from 0 to below 1")

#: Rules by pattern of dotted keys (``*`` matches anything). None is always allowed.
_RULES = {
    "train_cfg.max_epochs": _COUNT,
    "train_cfg.max_iters": _COUNT,
    "train_cfg.val_interval": _COUNT,
    "optim_wrapper.accumulative_counts": _COUNT,
    "optim_wrapper.clip_grad.max_norm": _Rule(
        # torch logs the norm and clips nothing for inf
        lambda v: _ABOVE_0.fits(v) or v == float("inf"),
        "a number above 0 (one below would turn gradients round), or clip_grad=None"
    ),
    "optim_wrapper.clip_grad.clip_value": _ABOVE_0,
    "optim_wrapper.optimizer.lr": _Rule(
        lambda v: _number(v) and v >= 0, "a number of 0 or more, such as 1e-4"
    ),
    "param_scheduler.*eta_max": _ABOVE_0._replace(several=True),
    "default_hooks.checkpoint.interval": _Rule(
        lambda v: _whole(v) or v == -1, "a whole number above 0, or -1 to save at the end alone"
    ),
    "default_hooks.checkpoint.max_keep_ckpts": _Rule(
        lambda v: _whole(v) or v == -1, "a whole number above 0, or -1 to keep all"
    ),
    "default_hooks.logger.interval": _COUNT,
    "randomness.seed": _Rule(
        lambda v: _whole(v, 0) and v < 2**32, "a whole number from 0 to 4294967295, or None"
    ),
    "model.task_weights.*": _Rule(
        lambda v: _number(v) and v >= 0, "a number of 0 or more; one below would unlearn the task"
    ),
    "model.data_preprocessor.pad_size_divisor": _COUNT,
    "model.data_preprocessor.mean": _Rule(_number, "a list of numbers", several=True),
    "model.data_preprocessor.std": _Rule(
        _ABOVE_0.fits, "a list of numbers above 0", several=True
    ),
    **{
        f"model.*.{name}": _SHARE
        for name in ("drop_path_rate", "drop_rate", "attn_drop_rate", "dropout")
    },
    # some configs of mmseg heads have -1 for no dropout
    "model.*.dropout_ratio": _Rule(lambda v: _number(v) and v < 1, "a share below 1"),
    **{f"model.*.{name}": _COUNTS for name in ("in_channels", "embed_dims", "channels")},
}  # fmt: skip


def check_numbers(cfg: Config) -> None:
    """Check the range of numbers that libraries accept unchecked.

    Raises:
        ValueError: A value is out of its range, or not a number.
    """
    for key, value in walk(config_dict(cfg)):
        for pattern, rule in _RULES.items():
            if value is None or isinstance(value, dict) or not fnmatchcase(key, pattern):
                continue
            listed = rule.several and isinstance(value, (list, tuple))
            if not all(map(rule.fits, value)) if listed else not rule.fits(value):
                raise ValueError(f"{key}={value!r}: give {rule.advice}")
