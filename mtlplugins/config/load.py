"""Loading of a config, with ``--cfg-options`` applied."""

from __future__ import annotations

import copy
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config

from mtlplugins.common.private import config_dict
from mtlplugins.common.shipped_configs import PREFIX, shipped_config

from .tasks import change_tasks, spread_tasks, tasks_as_written
from .validate import check_values


def load_config(source: str | Path | Config, options: dict[str, Any] | None = None) -> Config:
    """Load and check a config, with ``--cfg-options`` applied.

    Three values are repeated in a config; changing one of them changes all: ``data_root`` in every
    data set that had the old one, ``train_cfg.max_epochs`` in every schedule that had its length,
    ``tasks`` in model, data and metrics (:func:`spread_tasks`). With a GPU, data loaders use pinned
    memory (``pin_memory``) by default, so that copies to the GPU overlap with its computation.

    Args:
        source: A config file, ``mtlplugins::NAME`` for a shipped one, or a config object, which is
            not changed.
        options: Values by dotted key.

    Raises:
        FileNotFoundError: There is no such file.
        KeyError: An option has an unknown top-level key that resembles a known one.
        ValueError: The file cannot be read, or :func:`check_values` refuses a value.
    """
    # deep: a Config's own copy shares its dictionaries
    cfg = copy.deepcopy(source) if isinstance(source, Config) else _read(str(source))
    if options:
        old_tasks = cfg.get("tasks")
        _check_spelling(options, cfg)
        old_root = cfg.get("data_root")
        old_epochs = cfg.get("train_cfg", {}).get("max_epochs")
        cfg.merge_from_dict(options)
        if cfg.get("data_root") != old_root:
            _replace(config_dict(cfg), "data_root", old_root, cfg.data_root)
        epochs = (cfg.get("train_cfg") or {}).get("max_epochs")
        if epochs != old_epochs:
            _replace(cfg.get("param_scheduler"), "total_steps", old_epochs, epochs)
        if "tasks" in options:
            change_tasks(cfg, old_tasks)
    spread_tasks(cfg)
    _pin_memory(cfg)
    check_values(cfg)
    return cfg


def _read(path: str) -> Config:
    if path.startswith(PREFIX):
        path = str(shipped_config(path))
    if not Path(path).is_file():
        raise FileNotFoundError(f"no config file {path}")
    try:
        with tasks_as_written():
            return Config.fromfile(path)
    except Exception as error:  # a config is code and may raise anything
        raise ValueError(
            f"the config {path} cannot be read: {type(error).__name__}: {error}"
        ) from error


def _pin_memory(cfg: Config) -> None:
    # set here and not in the configs, because PyTorch warns without a GPU
    for split in ("train", "val", "test"):
        loader = cfg.get(f"{split}_dataloader")
        if isinstance(loader, dict) and torch.cuda.is_available():
            loader.setdefault("pin_memory", True)


def _check_spelling(options: dict[str, Any], cfg: Config) -> None:
    # new keys are allowed, but a misspelt ``train_datalaoder`` would have no effect
    for option in options:
        key = option.split(".")[0]
        if key not in cfg and (similar := get_close_matches(key, list(cfg), n=1, cutoff=0.8)):
            raise KeyError(f"--cfg-options {option}: no key {key!r}; did you mean {similar[0]!r}?")


def _replace(node: Any, key: str, old: Any, new: Any) -> None:
    """Set ``key`` to ``new`` wherever it is ``old``, recursively below ``node``."""
    if isinstance(node, dict):
        if key in node and node[key] == old:
            node[key] = new
        node = node.values()
    elif not isinstance(node, (list, tuple)):
        return
    for child in list(node):
        _replace(child, key, old, new)
