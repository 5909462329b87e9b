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
from mtlplugins.engine.resume.loops import counts_iterations

from .schedules import follow_length, follow_rate
from .tasks import change_tasks, spread_tasks, tasks_as_written
from .unused import warn_of_unused
from .validate import check_values


def load_config(source: str | Path | Config, options: dict[str, Any] | None = None) -> Config:
    """Load and check a config, with ``--cfg-options`` applied.

    Four values are repeated in a config; changing one of them by an option changes all:
    ``data_root`` in every data set that had the old one, ``train_cfg.max_epochs`` (or
    ``max_iters``) in every schedule that ended with it (:func:`follow_length`),
    ``optim_wrapper.optimizer.lr`` in every one-cycle schedule that rose to it, ``tasks`` in model,
    data and metrics (:func:`spread_tasks`). With a GPU, data loaders use pinned memory
    (``pin_memory``) by default, so that copies to the GPU overlap with its computation. Loaders
    without workers (``num_workers=0``) lose the settings of workers, such as
    ``persistent_workers``.

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
        old_length, old_rate = _length(cfg), _rate(cfg)
        cfg.merge_from_dict(options)
        if cfg.get("data_root") != old_root:
            _replace(config_dict(cfg), "data_root", old_root, cfg.data_root)
        follow_length(cfg, old_length, _length(cfg))
        follow_rate(cfg, old_rate, _rate(cfg))
        if "tasks" in options:
            change_tasks(cfg, old_tasks)
    spread_tasks(cfg)
    _set_loaders(cfg)
    warn_of_unused(cfg, options or {})
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


def _set_loaders(cfg: Config) -> None:
    for split in ("train", "val", "test"):
        loader = cfg.get(f"{split}_dataloader")
        if not isinstance(loader, dict):
            continue
        if torch.cuda.is_available():  # not in the configs: PyTorch warns without a GPU
            loader.setdefault("pin_memory", True)
        if not loader.get("num_workers"):  # PyTorch refuses what concerns workers
            for key in ("persistent_workers", "prefetch_factor", "timeout"):
                loader.pop(key, None)


def _length(cfg: Config) -> Any:
    loop = cfg.get("train_cfg")
    return _at(loop, "max_iters" if counts_iterations(loop or {}) else "max_epochs")


def _rate(cfg: Config) -> Any:
    return _at(cfg, "optim_wrapper", "optimizer", "lr")


def _at(node: Any, *keys: str) -> Any:
    """Return the value at some keys; None where there is none."""
    for key in keys:
        node = node.get(key) if isinstance(node, (dict, Config)) else None
    return node


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
