"""Sliding-window inference, and the size of dense predictions."""

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
    """Average the logits of overlapping windows that cover the images.

    Args:
        run: Computes the logits (B, K, h, w) of each dense task for a window.
        inputs: Images (B, 3, H, W).
        crop_size: Height and width of a window; one larger than the images is as large as they are.
        stride: Step from window to window, down and across; the last ones end with the images.

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
    """Bring a map of logits to the original size of its image, without the padding.

    Args:
        logits: (K, h, w) of the padded image.
        padded: Height and width of the padded image.
        sample: The image, which knows its size before padding and before resizing.

    Returns:
        (K, H, W).
    """
    height, width = sample.metainfo.get("img_shape", padded)[:2]
    full = resize(logits[None], padded)[..., :height, :width]
    return resize(full, sample.metainfo.get("ori_shape", (height, width))[:2])[0]
