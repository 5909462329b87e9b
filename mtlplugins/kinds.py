"""Registry of the kinds of target: target class, head, metric, drawer, writer, blind baseline.

A *kind* is what a target is: ``segmentation``, ``depth``, ``normals``, ``classification``,
``multilabel``, ``regression``, ``mask``, or one of your own. Data sets, models, metrics and panels
do not import each other. Each registers its part of a kind here and looks the other parts up by the
kind in the data set's ``metainfo``. You add a kind without editing this package::

    @DATASETS.register_module()
    @part_of_kind("cracks", "target")
    class CrackMap(MapFile): ...

    enter("cracks", "writer", Writer(".png", write_cracks))
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

Part = TypeVar("Part")

#: Name and type of each part of a kind.
PARTS = {
    "target": "a subclass of mtlplugins.datasets.targets.Target",
    "head": "a subclass of mtlplugins.models.heads.TaskHead",
    "metric": "a subclass of mtlplugins.evaluation.TaskMetric",
    "drawer": "a function like mtlplugins.visualization.Drawer",
    "errors": "a function like mtlplugins.visualization.ErrorMaps",
    "writer": "a mtlplugins.visualization.Writer",
    "blind": "a mtlplugins.analysis.blind.BlindPredictor",
}

#: Parts that a kind may do without: figures then have no error maps of it.
OPTIONAL = {"errors"}

_entered: dict[str, dict[str, list[Any]]] = {}
_reasons: dict[tuple[str, str], str] = {}


def enter(kind: str, part: str, value: Any) -> None:
    """Register a part of a kind.

    A kind may have several targets, heads and metrics; configs choose among them by ``type``. Of
    its drawers, writers and blind predictors the one registered last is used, so yours can replace
    ours. The first kind that a class is registered for becomes its attribute ``kind``.

    Args:
        kind: Name of the kind, as ``metainfo["tasks"][task]["kind"]`` gives it.
        part: One of :data:`PARTS`.
        value: The part.

    Raises:
        ValueError: ``part`` is unknown.
    """
    _check(part)
    if isinstance(value, type) and "kind" not in vars(value):
        value.kind = kind
    _entered.setdefault(kind, {}).setdefault(part, []).append(value)


def part_of_kind(kind: str, part: str) -> Callable[[Part], Part]:
    """Register the decorated class or function; see :func:`enter`."""
    _check(part)

    def decorate(value: Part) -> Part:
        enter(kind, part, value)
        return value

    return decorate


def leave_out(kind: str, part: str, reason: str) -> None:
    """State why a kind has no such part; :func:`get_part` gives the reason in its error."""
    _check(part)
    _reasons[kind, part] = reason


def kinds() -> list[str]:
    """List the kinds that have at least one part."""
    return sorted(_entered)


def parts(kind: str, part: str) -> list[Any]:
    """List the parts of this name that a kind has, oldest first."""
    _check(part)
    return list(_entered.get(kind, {}).get(part, ()))


def serves(value: Any, kind: str, part: str) -> bool:
    """Return whether an object is an instance of a class registered as this part of a kind."""
    return any(isinstance(value, entered) for entered in parts(kind, part))


def why_left_out(kind: str, part: str) -> str | None:
    """Return why a kind has no such part; None if it has one, or if no reason was stated."""
    return None if parts(kind, part) else _reasons.get((kind, part))


def get_part(kind: str, part: str, *, task: str | None = None) -> Any:
    """Return a part of a kind, the one registered last if there are several.

    Args:
        kind: Name of the kind.
        part: One of :data:`PARTS`.
        task: The task that needs the part; named in the error.

    Raises:
        ValueError: The kind has no such part.
    """
    if entered := parts(kind, part):
        return entered[-1]
    where = "" if task is None else f"task {task!r}: "
    if reason := _reasons.get((kind, part)):
        raise ValueError(f"{where}kind {kind!r} has no {part}: {reason}")
    having = ", ".join(name for name in kinds() if parts(name, part)) or "none"
    raise ValueError(
        f"{where}kind {kind!r} has no {part}, only {having}: correct the target's `kind`, or enter "
        f"{PARTS[part]} with mtlplugins.kinds.enter({kind!r}, {part!r}, …) in a module that the "
        "config's custom_imports names"
    )


def _check(part: str) -> None:
    if part not in PARTS:
        raise ValueError(f"a kind has no part {part!r}, only {', '.join(PARTS)}")
