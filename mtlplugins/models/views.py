"""Test-time augmentation: views of the images, at several scales and mirrored."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import inf
from typing import Any, NamedTuple

from torch import Tensor
from torch.nn.functional import interpolate, pad

from .heads import TaskHead
from .heads.base import resize


class View(NamedTuple):
    """A view of a batch of images.

    Attributes:
        scale: Factor of height and width.
        mirrored: Whether it is mirrored left to right.
    """

    scale: float
    mirrored: bool

    def predict(
        self,
        run: Callable[[Tensor], dict[str, Tensor]],
        inputs: Tensor,
        heads: Mapping[str, TaskHead],
        *,
        divisor: int,
    ) -> dict[str, Tensor]:
        """Compute the logits of the images from this view of them.

        Args:
            run: Function that computes the logits of each task from images.
            inputs: Images (B, C, H, W).
            heads: The head of each task.
            divisor: Height and width of the view are padded to multiples of it.

        Returns:
            Logits (B, K, H, W) of dense tasks, in their places and directions in the images, and
            (B, K) of image-level tasks.
        """
        height, width = (max(round(self.scale * side), 1) for side in inputs.shape[-2:])
        view = inputs
        if self.scale != 1:
            view = interpolate(inputs, (height, width), mode="bilinear", align_corners=False)
        if self.mirrored:
            view = view.flip(-1)
        view = pad(view, (0, -width % divisor, 0, -height % divisor))
        logits = run(view)
        for task, out in logits.items():
            if heads[task].dense:
                out = resize(out, view.shape[-2:])[..., :height, :width]
                out = heads[task].mirror(out.flip(-1)) if self.mirrored else out
                logits[task] = resize(out, inputs.shape[-2:])
        return logits


def views_of(settings: Mapping[str, Any]) -> tuple[View, ...]:
    """Return the views that ``test_cfg.tta`` asks for."""
    sides = (False, True) if settings.get("flip", True) else (False,)
    return tuple(View(scale, side) for scale in settings.get("scales", (1.0,)) for side in sides)


def check_views(settings: Mapping[str, Any]) -> None:
    """Check ``test_cfg.tta``.

    Raises:
        ValueError: It has other keys than ``scales`` and ``flip``, or other values than positive
            numbers and a bool.
    """
    known = isinstance(settings, Mapping) and not set(settings) - {"scales", "flip"}
    scales, flip = (settings.get("scales", (1.0,)), settings.get("flip", True)) if known else (0, 0)
    listed = isinstance(scales, Sequence) and len(scales) > 0
    if not listed or not all(isinstance(s, (int, float)) and 0 < s < inf for s in scales):
        known = False
    if not known or not isinstance(flip, bool):
        raise ValueError(
            f"test_cfg.tta={settings!r}: give dict(scales=(0.75, 1.0, 1.25), flip=True), positive "
            "factors of height and width and whether to add the mirrored images, or None"
        )
