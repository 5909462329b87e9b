"""Experiment cards: architectural choices of a config in a few words."""

from __future__ import annotations

from typing import Any

from mmengine.config import Config

from mtlplugins.models.conditioning import asked_blocks, asked_modules

#: The rows of a card (Balcioglu 2023, "Conditionally adaptive multitask learning", table 4.1).
ROWS = (
    "Multitask",
    "Conditioned Modules",
    "Layer Normalization",
    "Frozen Encoder",
    "Adapter",
    "Task Weighting",
)


def learned_tasks(config: Config) -> list[str]:
    """List the tasks that the model learns, in its order.

    A saved config does not keep the order of ``model.heads``; where ``model.tasks`` is not set, the
    order of the metrics is used.
    """
    model = config.get("model") or {}
    if model.get("tasks"):
        return list(model["tasks"])
    evaluators = config.get("val_evaluator") or []
    evaluators = [evaluators] if isinstance(evaluators, dict) else evaluators
    scored = [evaluator.get("task") for evaluator in evaluators]
    heads = list(model.get("heads") or ())
    return sorted(heads, key=lambda task: scored.index(task) if task in scored else len(scored))


def card(config: Config) -> dict[str, str]:
    """Make the experiment card of a config.

    Returns:
        A value for each of :data:`ROWS`. Task weights are in the order of the model's tasks, 1
        where the config sets none; ``'-'`` for a single task.
    """
    model = config.get("model") or {}
    backbone = model.get("backbone") or {}
    plan = backbone.get("plan") or {}
    tasks = learned_tasks(config)
    weights = model.get("task_weights") or {}
    norm = "Regular"
    asked = asked_modules(plan)
    if _any_block(asked.get("norm")):
        norm = "Conditioned, from scratch" if plan.get("norm_from_scratch") else "Conditioned"
    values = (
        len(tasks) > 1,
        _conditioned(asked, backbone.get("depths")),
        norm,
        bool(plan.get("frozen") or model.get("frozen_tasks")),
        _any_block(asked.get("adapter")),
        "-".join(f"{weights.get(task, 1):g}" for task in tasks) if len(tasks) > 1 else "-",
    )
    return {row: str(value) for row, value in zip(ROWS, values, strict=True)}


def _any_block(asked: Any) -> bool:
    blocks = asked_blocks(asked)
    return blocks == "all" or (blocks is not None and any(blocks))


def _conditioned(asked: dict[str, Any], depths: Any) -> str:
    """Count the blocks of each stage with a conditional module, e.g. ``0-0-6-2``."""
    modules = [asked_blocks(value) for value in asked.values() if _any_block(value)]
    if not modules:
        return "None"
    if "all" in modules:
        return "All"
    # a count means the last blocks of a stage, so the largest count includes the others
    counts = [max(stage) for stage in zip(*modules, strict=True)]
    return "All" if depths and counts == list(depths) else "-".join(map(str, counts))
