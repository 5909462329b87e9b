"""Entries of a config that name a registered class by ``type``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mmengine.config import Config
from mmengine.registry import Registry


def listed(entries: Any) -> list:
    """Return one entry, several or None as a list."""
    return [entries] if isinstance(entries, dict) else list(entries or ())


def class_of(entry: Any, registry: Registry) -> type:
    """Return the class that an entry's ``type`` names; ``object`` if it names none."""
    kind = entry.get("type") if isinstance(entry, dict) else None
    kind = registry.get(kind) if isinstance(kind, str) else kind
    return kind if isinstance(kind, type) else object


def schedules_of(cfg: Config) -> dict[str, dict[str, Any]]:
    """Return the schedules of a config by dotted key, also those of several optimizers."""
    given = cfg.get("param_scheduler")
    parts = {"param_scheduler": given}
    if isinstance(given, dict) and "type" not in given:
        parts = {f"param_scheduler.{name}": part for name, part in given.items()}
    return {
        f"{where}.{index}": schedule
        for where, part in parts.items()
        for index, schedule in enumerate(listed(part))
        if isinstance(schedule, dict)
    }


def walk(node: dict | list | tuple, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield everything below a node with its dotted key, as in ``--cfg-options``."""
    items = node.items() if isinstance(node, dict) else enumerate(node)
    for name, child in items:
        key = f"{path}.{name}" if path else str(name)
        yield key, child
        if isinstance(child, (dict, list, tuple)):
            yield from walk(child, key)
