"""Sliding-window inference, and resizing of dense predictions to the original image."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from torch import Tensor

from mtlplugins.structures import MultiTaskDataSample

from .heads.base import resize


def average_windows(
    run: Callable[[Tensor], dict[str, Tensor]],
    inputs: Tensor,
    *,
    crop_size: Sequence[int],
    stride: Sequence[int],
) -> dict[str, Tensor]:
    """Average logits over overlapping windows that cover the images.

    Args:
        run: Function that computes the logits (B, K, h, w) of each dense task for a window.
        inputs: Images (B, 3, H, W).
        crop_size: Height and width of a window, at most those of the images.
        stride: Vertical and horizontal step between windows; the last ones end at the border.

    Returns:
        Logits (B, K, H, W) of each task.
    """
    size = inputs.shape[-2:]
    crop = [min(c, s) for c, s in zip(crop_size, size, strict=True)]
    tops, lefts = (
        [*range(0, s - c, step), s - c] for s, c, step in zip(size, crop, stride, strict=True)
    )
    windows = inputs.new_zeros(size)
    sums: dict[str, Tensor] = {}
    for top in tops:
        for left in lefts:
            where = (..., slice(top, top + crop[0]), slice(left, left + crop[1]))
            windows[where] += 1
            for task, out in run(inputs[where]).items():
                if task not in sums:
                    sums[task] = out.new_zeros((*out.shape[:2], *size))
                sums[task][where] += resize(out, crop)
    return {task: total / windows for task, total in sums.items()}


def to_original_size(logits: Tensor, padded: Sequence[int], sample: MultiTaskDataSample) -> Tensor:
    """Remove the padding of a map of logits and resize it to the original size of its image.

    Args:
        logits: (K, h, w) of the padded image.
        padded: Height and width of the padded image.
        sample: The image, with its size before padding and before resizing.

    Returns:
        (K, H, W).
    """
    height, width = sample.metainfo.get("img_shape", padded)[:2]
    full = resize(logits[None], padded)[..., :height, :width]
    return resize(full, sample.metainfo.get("ori_shape", (height, width))[:2])[0]
