"""From samples to a batch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from mmengine.model import ImgDataPreprocessor
from mmengine.structures import PixelData
from mmseg.registry import MODELS
from torch import Tensor, nn
from torch.nn.functional import pad

from mtlplugins.structures import MultiTaskDataSample


@MODELS.register_module()
class MultiTaskDataPreprocessor(ImgDataPreprocessor):
    """MMEngine's normalisation and padding, with each target padded by its own invalid value.

    mmseg's preprocessor pads depth with the segmentation's ignore index: 255 metres.
    Images and targets are padded at the right and the bottom.

    Args:
        mean: Mean of each channel, RGB if ``bgr_to_rgb``; None to leave the values as they are.
        std: Standard deviation of each channel.
        pad_size_divisor: The sides of a batch are multiples of it.
        pad_value: Value of padding in normalised images.
        bgr_to_rgb: Whether to swap the channels first.
        rgb_to_bgr: Likewise.
        non_blocking: Whether images in pinned memory are sent to the device without waiting.
        augmentation: Augmentations of training batches, such as ``dict(type="BatchRandomFlip")``;
            for data without dense targets, drawn by a ``DrawSampler``.
    """

    def __init__(
        self,
        *,
        mean: Sequence[float] | None = None,
        std: Sequence[float] | None = None,
        pad_size_divisor: int = 1,
        pad_value: float = 0,
        bgr_to_rgb: bool = False,
        rgb_to_bgr: bool = False,
        non_blocking: bool = True,
        augmentation: Sequence[dict] = (),
    ) -> None:
        super().__init__(
            mean=mean,
            std=std,
            pad_size_divisor=pad_size_divisor,
            pad_value=pad_value,
            bgr_to_rgb=bgr_to_rgb,
            rgb_to_bgr=rgb_to_bgr,
            non_blocking=non_blocking,
        )
        self.augmentation = nn.ModuleList(MODELS.build(config) for config in augmentation)

    def forward(self, data: dict, training: bool = False) -> dict:
        """Make a batch.

        Args:
            data: ``inputs``, uint8 images (3, H, W) in a list, or in one tensor (B, 3, H, W) where
                they are of one size, and optionally ``data_samples``.
            training: Whether to augment, and to pad the targets too; evaluation compares at the
                original size.

        Returns:
            ``inputs`` float32 (B, 3, H, W) and ``data_samples``, whose ``img_shape`` is the size
            before padding.

        Raises:
            ValueError: A target has another size than its image, or the data do not fit the
                augmentation.
        """
        images = data["inputs"]
        if isinstance(images, Tensor):
            sizes = [tuple(images.shape[-2:])] * len(images)
        else:
            sizes = [tuple(image.shape[-2:]) for image in images]
        if not isinstance(images, Tensor) and len({image.shape for image in images}) == 1:
            # in one piece it is sent and normalised in one go
            data = {**data, "inputs": torch.stack(list(images))}
        data = super().forward(data, training)
        data.setdefault("data_samples", None)
        if training and len(self.augmentation):
            data["inputs"] = self._augment(data["inputs"], data["data_samples"])
        height, width = data["inputs"].shape[-2:]
        for sample, size in zip(data["data_samples"] or (), sizes, strict=False):
            sample.set_metainfo(dict(img_shape=size, pad_shape=(height, width)))
            if not training:
                continue
            for task, invalid in sample.get("invalid", {}).items():
                target = sample.target(task)
                if target is None:
                    continue
                if tuple(target.data.shape[-2:]) != size:
                    raise ValueError(
                        f"{sample.get('img_path', '?')}: the target of task {task!r} is "
                        f"{tuple(target.data.shape[-2:])}, the image {size}; resize and crop them "
                        "together in the pipeline"
                    )
                margin = (0, width - size[1], 0, height - size[0])
                padded = PixelData(data=pad(target.data, margin, value=invalid))
                setattr(sample, f"gt_{task}", padded)
        return data

    def cast_data(self, data: Any) -> Any:
        """Send a batch to the model's device, but for labels of whole images.

        The heads join those first: one transfer for all of them, not one for each.
        """
        if isinstance(data, MultiTaskDataSample) and not data.get("invalid"):
            return data
        return super().cast_data(data)

    def _augment(self, images: Tensor, samples: Sequence[MultiTaskDataSample]) -> Tensor:
        for sample in samples:
            name = sample.get("img_path", "?")
            if sample.get("invalid"):
                raise ValueError(
                    f"{name}: data_preprocessor.augmentation moves the pixels of images, but not "
                    f"those of the targets {', '.join(sample.invalid)}; augment in the pipeline"
                )
            if "draw" not in sample:
                raise ValueError(
                    f"{name}: data_preprocessor.augmentation needs numbered draws; set the "
                    "dataloader's sampler to dict(type='DrawSampler')"
                )
        draws = np.array([sample.draw for sample in samples])
        for stream, augmentation in enumerate(self.augmentation):
            images = augmentation(images, draws, stream)
        return images
