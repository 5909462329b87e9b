"""Differences between two configs that change the training result."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from mmengine.config import Config

#: Keys, at any level, that do not change the training result.
_FREE = {"data_root", "work_dir", "num_workers", "persistent_workers", "pin_memory"}
#: Keys of the top level that do not change the training result.
_FREE_TOP = {
    "default_hooks", "env_cfg", "experiment", "launcher", "log_level", "log_processor", "resume",
    "vis_backends", "visualizer",
}  # fmt: skip


def config_key(config: Config) -> str:
    """Serialise a config without seed and keys that do not change the training result."""
    return json.dumps(_essence(config.to_dict()), sort_keys=True, default=str)


def config_difference(first: Config, second: Config, shown: int = 4) -> str:
    """Describe the keys in which two configs differ; empty if the training result is the same."""
    one, two = (dict(_leaves(_essence(config.to_dict()))) for config in (first, second))
    keys = [key for key in [*one, *two] if one.get(key) != two.get(key)]
    keys = list(dict.fromkeys(keys))
    parts = [f"{key} {two.get(key)!r} instead of {one.get(key)!r}" for key in keys[:shown]]
    more = [f"{len(keys) - shown} more"] if len(keys) > shown else []
    return ", ".join([*parts, *more])


def _essence(node: Any, depth: int = 0) -> Any:
    """Remove the keys that do not change the training result."""
    if isinstance(node, dict):
        free = _FREE | _FREE_TOP if depth == 0 else _FREE
        kept = {str(k): _essence(v, depth + 1) for k, v in node.items() if k not in free}
        if depth == 0 and isinstance(kept.get("randomness"), dict):
            kept["randomness"].pop("seed", None)
        return kept
    if isinstance(node, (list, tuple)):
        return [_essence(child, depth + 1) for child in node]
    return node


def _leaves(node: Any, path: str = "") -> Iterable[tuple[str, Any]]:
    if isinstance(node, dict):
        for key, child in node.items():
            yield from _leaves(child, f"{path}.{key}" if path else key)
    elif isinstance(node, Sequence) and not isinstance(node, str):
        for index, child in enumerate(node):
            yield from _leaves(child, f"{path}.{index}")
    else:
        yield path, node
