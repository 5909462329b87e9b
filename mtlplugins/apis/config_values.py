"""Values of a config that would be tripped over late, or in words that do not name them."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Any

from mmengine.config import Config
from mmengine.registry import OPTIMIZERS as ROOT_OPTIMIZERS
from mmseg.registry import METRICS, OPTIMIZERS

from mtlplugins.evaluation import TaskMetric


def check_values(cfg: Config) -> None:
    """Check how long, by which optimizer and by what score a config trains.

    Args:
        cfg: A config; what it leaves out is not asked for.

    Raises:
        ValueError: A length that is no positive number, an unknown optimizer, a learning rate that
            is no number, a one-cycle schedule that ends before the training, or a best checkpoint
            by a score that no metric gives.
    """
    _check_lengths(cfg.get("train_cfg") or {})
    _check_optimizer((cfg.get("optim_wrapper") or {}).get("optimizer") or {})
    _check_schedules(cfg)
    _check_best(cfg)


def _check_lengths(train_cfg: dict[str, Any]) -> None:
    for key in ("max_epochs", "max_iters", "val_interval"):
        value = train_cfg.get(key)
        if value is not None and not (isinstance(value, int) and value > 0):
            raise ValueError(f"train_cfg.{key}={value!r}: give a whole number above 0")


def _check_optimizer(optimizer: dict[str, Any]) -> None:
    kind, rate = optimizer.get("type"), optimizer.get("lr")
    if isinstance(kind, str) and OPTIMIZERS.get(kind) is None:
        similar = get_close_matches(kind, ROOT_OPTIMIZERS.module_dict) or ["AdamW", "SGD"]
        raise ValueError(
            f"optim_wrapper.optimizer.type={kind!r} is no optimizer; there are, for example, "
            f"{', '.join(similar)}"
        )
    if rate is not None and not isinstance(rate, (int, float)):
        raise ValueError(f"optim_wrapper.optimizer.lr={rate!r}: give a number, such as 1e-4")


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
    best = ((cfg.get("default_hooks") or {}).get("checkpoint") or {}).get("save_best")
    evaluators = cfg.get("val_evaluator") or []
    evaluators = [evaluators] if isinstance(evaluators, dict) else evaluators
    asked = [best] if isinstance(best, str) else best or []
    if not evaluators or asked in ([], ["auto"]):
        return
    metrics = [METRICS.build(evaluator) for evaluator in evaluators]
    if not all(isinstance(metric, TaskMetric) for metric in metrics):
        return  # others do not say what they give
    known = [f"{metric.prefix}/{name}" for metric in metrics for name in metric.names]
    for name in asked:
        if name not in known:
            similar = get_close_matches(name, known, n=1)
            hint = f"did you mean {similar[0]}" if similar else f"there are {', '.join(known)}"
            raise ValueError(
                f"default_hooks.checkpoint.save_best={name!r} is no score of val_evaluator: {hint}"
            )
