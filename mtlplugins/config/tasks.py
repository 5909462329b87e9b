"""Top-level ``tasks`` of a config, which sets the tasks of model, data sets and metrics."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from difflib import get_close_matches
from typing import Any

from mmengine.config import Config
from mmengine.logging import print_log
from mmseg.registry import DATASETS

from mtlplugins.common.private import config_dict
from mtlplugins.compat._replace import replace_once

_SPLITS = ("train", "val", "test")
_as_written: ContextVar[bool] = ContextVar("tasks_as_written", default=False)


def spread_tasks_of_every_config() -> None:
    """Apply :func:`spread_tasks` to every new ``Config``, also from ``Config.fromfile``.

    MMEngine imports the ``custom_imports`` of a config, such as this package, before it makes the
    ``Config``, so this also works for mmseg's ``init_model`` and all other readers of configs.
    """
    replace_once(Config, "__init__", _spreading)


def _spreading(original: Callable[..., None]) -> Callable[..., None]:
    def __init__(self: Config, *args: Any, **kwargs: Any) -> None:
        original(self, *args, **kwargs)
        if not _as_written.get():
            spread_tasks(self)

    return __init__


@contextmanager
def tasks_as_written() -> Iterator[None]:
    """Context in which new configs keep their ``tasks`` unspread, to change them first."""
    token = _as_written.set(True)
    try:
        yield
    finally:
        _as_written.reset(token)


def spread_tasks(cfg: Config) -> None:
    """Set model, data and metrics to the top-level ``tasks`` of a config, in place.

    ``model.tasks`` becomes ``tasks``; so does ``tasks`` of each data set, in training without the
    frozen tasks. Metrics of other tasks are removed, and so are their scores in ``save_best``, with
    a warning. A model or data set that names fewer tasks keeps them: a model may learn only some of
    them, and a data set may have targets for only some. Applying it twice changes nothing.

    Args:
        cfg: A config; unchanged if it has no ``tasks`` or ``model.heads``.

    Raises:
        ValueError: ``tasks`` is empty, repeats a task or names one without a head; the model or a
            data set names a task that is not in it; a data set has none of them; or a metric names
            a task that looks like a misspelled one.
    """
    model = config_dict(cfg).get("model")
    if cfg.get("tasks") is None or not isinstance((model or {}).get("heads"), dict):
        return
    tasks = _names(cfg.tasks)
    cfg.tasks = tasks
    if unknown := [task for task in tasks if task not in model["heads"]]:
        raise ValueError(
            f"tasks={tasks}: model.heads has no {unknown[0]!r}, only {', '.join(model['heads'])}"
        )
    learned = _narrowed("model.tasks", model.get("tasks"), tasks, tasks)
    model["tasks"] = learned
    frozen = model.get("frozen_tasks") or ()
    for split in _SPLITS:
        loader = config_dict(cfg).get(f"{split}_dataloader")
        wanted = [task for task in learned if split != "train" or task not in frozen]
        if isinstance(loader, dict) and isinstance(loader.get("dataset"), dict):
            _set_dataset(loader["dataset"], f"{split}_dataloader.dataset", wanted, tasks)
        _keep_metrics(cfg, f"{split}_evaluator", learned)
    _keep_best(cfg, learned)


def change_tasks(cfg: Config, old: Any) -> None:
    """Replace the old tasks by ``cfg.tasks`` in model and data sets, as in a saved config."""
    for node in (config_dict(cfg).get("model"), *(leaf for _, leaf in leaves_of(cfg))):
        if old is not None and node and tuple(node.get("tasks") or ()) == _names(old):
            node["tasks"] = _names(cfg.tasks)


def _names(tasks: str | Sequence[str]) -> tuple[str, ...]:
    names = (tasks,) if isinstance(tasks, str) else tuple(tasks)
    if not names or len({*names}) < len(names) or not all(isinstance(n, str) for n in names):
        raise ValueError(f"tasks={tasks!r}: give the names of one or more tasks, each once")
    return names


def _narrowed(
    key: str, given: Sequence[str] | None, wanted: Sequence[str], tasks: Sequence[str]
) -> tuple[str, ...]:
    """Select the wanted tasks among those given at ``key``; all wanted ones if None are given."""
    if given is None:
        return tuple(wanted)
    given = _names(given)
    if foreign := [task for task in given if task not in tasks]:
        raise ValueError(
            f"{key}={given} has {foreign[0]!r}, but the config's tasks are {tuple(tasks)}: name "
            f"all in `tasks`, which sets {key} too, or give tasks=None to set each by itself"
        )
    if not (left := tuple(task for task in given if task in wanted)):
        raise ValueError(
            f"{key}={given} has none of the tasks {tuple(wanted)}: leave it out, or give it others"
        )
    return left


def _set_dataset(
    dataset: dict, key: str, wanted: Sequence[str], tasks: Sequence[str], *, mixed: bool = False
) -> None:
    if isinstance(inner := dataset.get("dataset"), dict):
        _set_dataset(inner, f"{key}.dataset", wanted, tasks, mixed=mixed)
    elif isinstance(children := dataset.get("datasets"), (list, tuple)):
        for index, child in enumerate(children):
            _set_dataset(child, f"{key}.datasets.{index}", wanted, tasks, mixed=True)
    elif mixed and dataset.get("tasks"):
        # each of several data sets names its own tasks, also ones that are not learned
        has = [task for task in _names(dataset["tasks"]) if task in tasks]
        if not has:
            raise ValueError(
                f"{key}.tasks={dataset['tasks']} has none of the tasks {tuple(tasks)}: leave this "
                "data set out"
            )
        dataset["tasks"] = _narrowed(f"{key}.tasks", has, wanted, tasks)
    elif not mixed and dataset.get("tasks") in ([], ()):
        return  # images without ground truth, to be predicted
    elif not mixed and ("tasks" in dataset or _takes_tasks(dataset.get("type"))):
        dataset["tasks"] = _narrowed(f"{key}.tasks", dataset.get("tasks"), wanted, tasks)


def _takes_tasks(kind: Any) -> bool:
    kind = DATASETS.get(kind) if isinstance(kind, str) else kind
    return isinstance(kind, type) and "tasks" in inspect.signature(kind.__init__).parameters


def leaves_of(cfg: Config) -> Iterator[tuple[str, dict]]:
    """Yield the data sets of a config, inside of wrappers, with the keys of their loaders."""
    for split in _SPLITS:
        key = f"{split}_dataloader"
        loader = config_dict(cfg).get(key)
        dataset = loader.get("dataset") if isinstance(loader, dict) else None
        for leaf in _leaves(dataset):
            yield f"{key}.dataset", leaf


def _leaves(dataset: Any) -> Iterator[dict]:
    if not isinstance(dataset, dict):
        return
    inner = [dataset.get("dataset"), *(dataset.get("datasets") or ())]
    inside = [child for child in inner if isinstance(child, dict)]
    for child in inside:
        yield from _leaves(child)
    if not inside:
        yield dataset


def _keep_metrics(cfg: Config, name: str, learned: Sequence[str]) -> None:
    given = config_dict(cfg).get(name)
    metrics = [given] if isinstance(given, dict) else given
    if not metrics:
        return
    for metric in metrics:
        _check_spelling(name, metric, cfg)
    kept = [metric for metric in metrics if metric.get("task") in (None, *learned)]
    if not kept:
        raise ValueError(
            f"{name}: no metric scores any of the tasks {tuple(learned)}: add the metric of its "
            f"kind with task={learned[0]!r}"
        )
    if len(kept) < len(metrics):
        cfg[name] = kept


def _check_spelling(name: str, metric: dict, cfg: Config) -> None:
    """Refuse a metric of a misspelled task, which would be removed as that of a task not learned.

    A base may have metrics of tasks for which the model has no head.
    """
    task, heads = metric.get("task"), list(cfg.model.heads)
    if task is None or task in heads:
        return
    if similar := get_close_matches(str(task), heads, n=1, cutoff=0.8):
        raise ValueError(
            f"{name}: {metric.get('type')} scores task {task!r}, for which the model has no head; "
            f"did you mean {similar[0]!r}?"
        )


def _keep_best(cfg: Config, learned: Sequence[str]) -> None:
    saving = (config_dict(cfg).get("default_hooks") or {}).get("checkpoint") or {}
    best, rules = saving.get("save_best"), saving.get("rule")
    scores = [best] if isinstance(best, str) else list(best or ())
    kept = [i for i, name in enumerate(scores) if _task_of(name, cfg) in (None, *learned)]
    if len(kept) == len(scores):
        return
    left_out = ", ".join(name for i, name in enumerate(scores) if i not in kept)
    print_log(
        f"tasks={cfg.tasks}: no checkpoint is kept as the best by {left_out}, which is of none of "
        "them; default_hooks.checkpoint.save_best names another score",
        logger="current",
        level=logging.WARNING,
    )
    if not kept:
        saving["save_best"] = saving["rule"] = None
        return
    saving["save_best"] = [scores[i] for i in kept]
    if isinstance(rules, (list, tuple)):
        saving["rule"] = [rules[i] for i in kept]


def _task_of(score: str, cfg: Config) -> str | None:
    """Return the task of a score ``<task>/<metric>``; None for other names, such as ``auto``."""
    task = score.split("/")[0]
    return task if task in cfg.model.heads else None
