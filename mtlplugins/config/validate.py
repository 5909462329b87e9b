"""Early validation of config values, with errors that name the key."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Any

from mmengine.config import Config
from mmengine.registry import OPTIMIZERS as ROOT_OPTIMIZERS
from mmseg.registry import METRICS, OPTIMIZERS

from mtlplugins.evaluation import TaskMetric

from .keys import check_keys
from .ranges import check_numbers
from .writable import check_writable


def check_values(cfg: Config) -> None:
    """Check keys, numbers, optimizer, schedules and ``save_best`` of a config.

    Args:
        cfg: A config; missing keys are not required.

    Raises:
        ValueError: :func:`check_writable`, :func:`check_keys` or :func:`check_numbers` refuse it;
            the optimizer is unknown; a one-cycle schedule ends before the training; or
            ``save_best`` names a score that no metric gives, or with the wrong ``rule``.
    """
    check_writable(cfg)
    check_keys(cfg)
    check_numbers(cfg)
    _check_optimizer((cfg.get("optim_wrapper") or {}).get("optimizer") or {})
    _check_schedules(cfg)
    _check_best(cfg)


def _check_optimizer(optimizer: dict[str, Any]) -> None:
    kind = optimizer.get("type")
    if isinstance(kind, str) and OPTIMIZERS.get(kind) is None:
        similar = get_close_matches(kind, ROOT_OPTIMIZERS.module_dict) or ["AdamW", "SGD"]
        raise ValueError(
            f"optim_wrapper.optimizer.type={kind!r} is no optimizer; there are, for example, "
            f"{', '.join(similar)}"
        )


def _check_schedules(cfg: Config) -> None:
    epochs = (cfg.get("train_cfg") or {}).get("max_epochs")
    schedules = cfg.get("param_scheduler") or []
    for schedule in [schedules] if isinstance(schedules, dict) else schedules:
        if schedule.get("type") != "OneCycleLR" or not schedule.get("by_epoch", True):
            continue
        steps = schedule.get("total_steps")
        if epochs and steps and steps < epochs:
            raise ValueError(
                f"param_scheduler: OneCycleLR has total_steps={steps}, after which it stops with "
                f"an error, but the training max_epochs={epochs}: make them equal"
            )


def _check_best(cfg: Config) -> None:
    saving = (cfg.get("default_hooks") or {}).get("checkpoint") or {}
    best, rules = saving.get("save_best"), saving.get("rule")
    evaluators = cfg.get("val_evaluator") or []
    evaluators = [evaluators] if isinstance(evaluators, dict) else evaluators
    asked = [best] if isinstance(best, str) else best or []
    # MMEngine takes one rule for all scores, also in a list
    rules = [rules] * len(asked) if rules is None or isinstance(rules, str) else rules
    if len(rules) != len(asked):
        raise ValueError(
            f"default_hooks.checkpoint.rule={rules!r}: give one of 'less' and 'greater' for each "
            f"of the {len(asked)} scores of save_best"
        )
    if not evaluators or asked in ([], ["auto"]):
        return
    metrics = [METRICS.build(evaluator) for evaluator in evaluators]
    if not all(isinstance(metric, TaskMetric) for metric in metrics):
        return  # other metrics do not declare their scores
    known = {
        f"{metric.prefix}/{name}": "greater" if metric.higher_is_better[name] else "less"
        for metric in metrics
        for name in metric.names
    }
    for name, rule in zip(asked, rules, strict=True):
        if name not in known:
            similar = get_close_matches(name, known, n=1)
            hint = f"did you mean {similar[0]}" if similar else f"there are {', '.join(known)}"
            raise ValueError(
                f"default_hooks.checkpoint.save_best={name!r} is no score of val_evaluator: {hint}"
            )
        if rule not in (None, known[name]):
            raise ValueError(
                f"default_hooks.checkpoint.rule={rule!r} for {name!r}: give "
                f"{known[name]!r}, which is better"
            )
