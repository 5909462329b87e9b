"""Collate functions: they join items to a batch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from mmengine.registry import FUNCTIONS


@FUNCTIONS.register_module()
def stack_images(items: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Stack images of one size: ``dataloader.collate_fn=dict(type="stack_images")``.

    Like MMEngine's ``pseudo_collate``, but the images become one uint8 tensor (B, 3, H, W). A
    worker then shares one block of memory per batch instead of one per image, which matters for
    small images in large batches.

    Raises:
        ValueError: The images differ in size.
    """
    images = [item["inputs"] for item in items]
    if len({image.shape for image in images}) > 1:
        raise ValueError(
            "stack_images: the images of a batch differ in size; resize them in the pipeline, or "
            "leave collate_fn out of the dataloader"
        )
    return dict(inputs=torch.stack(images), data_samples=[item["data_samples"] for item in items])
