"""Published results of experiments, from ``experiments.json`` beside the configs of a family."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from mmengine.config import Config

from mtlplugins.common.shipped_configs import configs_folder


def experiment_of(config: Config, name: str | None = None) -> dict[str, Any]:
    """Look up the experiment of a config.

    Args:
        config: A config; its own ``experiment``, if it has one, overrides the file's entries.
        name: Name of its file without suffix, for a config that was read from a copy.

    Returns:
        The known ones of ``name``, ``rows`` (its row in tables of the paper), ``published`` (the
        paper's scores by ``<task>/<metric>``), ``sizes``, ``figure`` and ``source``. A config that
        inherits one of ours is a different experiment and has no entry.
    """
    name = name or Path(config.filename or "").stem
    return _merged(experiments().get(name, {}), config.get("experiment") or {})


@cache
def experiments() -> dict[str, dict[str, Any]]:
    """Read the experiments of all families, by name of the config; cached."""
    found: dict[str, dict[str, Any]] = {}
    for file in sorted(configs_folder().rglob("experiments.json")):
        found |= json.loads(file.read_text(encoding="utf-8"))
    return found


def _merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        deeper = isinstance(value, Mapping) and isinstance(merged.get(key), Mapping)
        merged[key] = _merged(merged[key], value) if deeper else value
    return merged
