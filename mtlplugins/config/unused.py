"""Top-level values of a config that nothing reads, as they are misspelt, old or disconnected."""

from __future__ import annotations

import ast
import inspect
import logging
from collections.abc import Mapping
from difflib import get_close_matches
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.logging import print_log
from mmengine.runner import Runner

from mtlplugins.common.private import config_dict

from .entries import walk

#: What the Runner reads, and what this package and MMEngine's tools read besides.
_READ = {*inspect.signature(Runner.__init__).parameters}
_READ -= {"self", "data_preprocessor"}  # where the model has one of its own, that counts
_READ |= {"auto_scale_lr", "compile", "custom_imports", "find_unused_parameters", "runner_type"}
_READ |= {"strategy", "sync_bn", "tasks"}
#: Keys of MMCV's runners, before MMEngine, and what to write instead.
_OLD = {
    "checkpoint_config": "default_hooks.checkpoint",
    "data": "train_dataloader, val_dataloader and test_dataloader",
    "dist_params": "env_cfg.dist_cfg",
    "evaluation": "val_evaluator, train_cfg.val_interval and default_hooks.checkpoint.save_best",
    "fp16": "--amp",
    "log_config": "default_hooks.logger and visualizer.vis_backends",
    "lr_config": "param_scheduler",
    "momentum_config": "param_scheduler",
    "optimizer_config": "optim_wrapper.clip_grad and optim_wrapper.accumulative_counts",
    "resume_from": "--resume, or load_from for the weights alone",
    "runner": "train_cfg",
    "total_epochs": "train_cfg.max_epochs",
    "total_iters": "train_cfg.max_iters",
    "workflow": "train_cfg.val_interval",
}
#: Names that configs give to values, and the keys that they make of them.
_MADE_OF = {
    "batch_size": ("train_dataloader.batch_size",),
    "data_preprocessor": ("model.data_preprocessor",),
    "data_root": ("*_dataloader.dataset.*data_root",),
    "max_epochs": ("train_cfg.max_epochs",),
    "max_iters": ("train_cfg.max_iters",),
    "optimizer": ("optim_wrapper.optimizer", "optim_wrapper.*.optimizer"),
    "train_pipeline": ("train_dataloader.*pipeline",),
    "val_pipeline": ("val_dataloader.*pipeline",),
}


def warn_of_unused(cfg: Config, options: Mapping[str, Any]) -> None:
    """Warn of top-level values without an effect, and refuse names that look misspelt.

    A value that a base config made something of, as ``train_dataloader`` of ``train_pipeline``, is
    a plain value there: a config that inherits it and sets ``train_pipeline`` changes that name
    alone. Of names that only a base config sets nothing is said: what it made of them may have been
    changed since, on purpose.

    Args:
        cfg: The config, with the options applied.
        options: Values by dotted key, as of ``--cfg-options``.

    Raises:
        ValueError: A top-level name is nearly one that the Runner reads.
    """
    content = config_dict(cfg)
    parts = {key: value for key, value in content.items() if key in _READ}
    set_here = {*_OLD, *options, *_names_in(cfg.filename)}
    for key, value in content.items():
        if key in _READ:
            continue
        if similar := get_close_matches(key, _READ, n=1, cutoff=0.9):
            raise ValueError(
                f"{key}: nothing reads this name; did you mean {similar[0]}? A value of your own "
                "takes another name"
            )
        if key not in set_here:
            continue
        if reason := _unused(key, value, parts):
            print_log(f"{key}: {reason}", logger="current", level=logging.WARNING)


def _names_in(path: str | None) -> set[str]:
    """Return the names that a config file sets itself, without those of its base configs."""
    if path is None or not path.endswith(".py"):
        return set()
    try:
        statements = ast.parse(Path(path).read_text(encoding="utf-8")).body
    except (OSError, ValueError, SyntaxError):  # a text config may hold what Python cannot parse
        return set()
    targets = [t for s in statements if isinstance(s, ast.Assign) for t in s.targets]
    return {target.id for target in targets if isinstance(target, ast.Name)}


def _unused(key: str, value: Any, parts: Mapping[str, Any]) -> str | None:
    """Say why a value is not used; None if it is, or may be under another name."""
    places = [
        (path, found)
        for path, found in walk(dict(parts))
        if any(fnmatchcase(path, pattern) for pattern in _MADE_OF.get(key, ()))
    ]
    if value is None or any(_holds(found, value) for _, found in places):
        return None
    if key in _OLD:
        return f"MMEngine does not read this key, it has no effect; set {_OLD[key]} instead"
    if not places:
        return None
    return (
        f"this value is not used: {places[0][0]} keeps the one that a base config gave it, and "
        "does not follow; set that too"
    )


def _holds(found: Any, value: Any) -> bool:
    """Return whether what is found was made of a value: it is that, or that with more added."""
    if isinstance(value, Mapping) and isinstance(found, Mapping):
        return all(key == "_delete_" or found.get(key) == own for key, own in value.items())
    if isinstance(value, (list, tuple)) and isinstance(found, (list, tuple)):
        return list(found)[: len(value)] == list(value)
    return found == value
