"""Test-time augmentation of tasks whose values are others in a mirrored image."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any


def refuse_mirrored_views(
    tta: Mapping[str, Any] | None, heads: Mapping[str, Any], targets: Iterable[tuple[str, Any]]
) -> None:
    """Refuse to merge mirrored views of values that change in a mirrored image.

    Left and right classes change places, and directions turn. A head that ``mirrors`` undoes that
    before the views are merged, as ``NormalsHead`` does; others would average what differs.

    Args:
        tta: ``model.test_cfg.tta``; None for no augmentation.
        heads: The head of each task, or its class.
        targets: Pairs of task and target.

    Raises:
        ValueError: Views are mirrored, and such a target has no such head.
    """
    if tta is None or not tta.get("flip", True):
        return
    for task, target in targets:
        head = heads.get(task)
        if getattr(target, "mirrors", False) and not getattr(head, "mirrors", False):
            raise ValueError(
                f"model.test_cfg.tta: the values of task {task!r} are others in a mirrored image "
                "(left_right classes, or directions), and its head cannot merge mirrored views: "
                "set model.test_cfg.tta=dict(flip=False, scales=(0.75, 1.0, 1.25))"
            )
