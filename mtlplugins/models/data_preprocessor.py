"""Data preprocessor: normalisation, padding and batch augmentation of images and targets."""

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

from mtlplugins.structures import MultiTaskDataSample, data_of


@MODELS.register_module()
class MultiTaskDataPreprocessor(ImgDataPreprocessor):
    """MMEngine's normalisation and padding; each target is padded with its own invalid value.

    mmseg's preprocessor would pad depth with the ignore index of segmentation: 255 metres.
    Images and targets are padded at the right and the bottom.

    Args:
        mean: Mean of each channel, in RGB order if ``bgr_to_rgb``; None for no normalisation.
        std: Standard deviation of each channel.
        pad_size_divisor: Height and width of a batch are padded to multiples of it.
        pad_value: Value of the padding, after normalisation.
        bgr_to_rgb: Whether to convert BGR to RGB before normalisation.
        rgb_to_bgr: Whether to convert RGB to BGR before normalisation.
        non_blocking: Whether images in pinned memory are copied to the device asynchronously.
        augmentation: Augmentations of training batches, such as ``dict(type="BatchRandomFlip")``;
            only for data without dense targets whose sampler is a ``DrawSampler``.
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
        """Make a batch on the model's device.

        Args:
            data: ``inputs``, uint8 images (3, H, W) in a list, or one tensor (B, 3, H, W) if all
                have the same size, and optionally ``data_samples``.
            training: Whether to augment the images and pad the targets. Evaluation does neither,
                because it compares at the original size.

        Returns:
            ``inputs`` float32 (B, 3, H, W) and ``data_samples``, whose ``img_shape`` is the size
            before padding.

        Raises:
            ValueError: A target and its image differ in size, or the data do not fit the
                augmentation.
        """
        images = data["inputs"]
        if isinstance(images, Tensor):
            sizes = [tuple(images.shape[-2:])] * len(images)
        else:
            sizes = [tuple(image.shape[-2:]) for image in images]
        if not isinstance(images, Tensor) and len({image.shape for image in images}) == 1:
            # one tensor takes one copy to the device and one normalisation
            data = {**data, "inputs": torch.stack(list(images))}
        data = dict(super().forward(data, training))
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
                values = data_of(target)
                if tuple(values.shape[-2:]) != size:
                    raise ValueError(
                        f"{sample.get('img_path', '?')}: the target of task {task!r} is "
                        f"{tuple(values.shape[-2:])}, the image {size}; resize and crop them "
                        "together in the pipeline"
                    )
                margin = (0, width - size[1], 0, height - size[0])
                padded = PixelData(data=pad(values, margin, value=invalid))
                setattr(sample, f"gt_{task}", padded)
        return data

    def cast_data(self, data: Any) -> Any:
        """Copy a batch to the model's device, except for image-level labels.

        The heads concatenate those on the CPU: one copy for the batch instead of one per image.
        """
        if isinstance(data, MultiTaskDataSample) and not data.get("invalid"):
            return data
        return super().cast_data(data)

    def _augment(self, images: Tensor, samples: Sequence[MultiTaskDataSample]) -> Tensor:
        for sample in samples:
            name = sample.get("img_path", "?")
            if invalid := sample.get("invalid"):
                raise ValueError(
                    f"{name}: data_preprocessor.augmentation moves the pixels of images, but not "
                    f"those of the targets {', '.join(invalid)}; augment in the pipeline"
                )
            if "draw" not in sample:
                raise ValueError(
                    f"{name}: data_preprocessor.augmentation needs numbered draws; set the "
                    "dataloader's sampler to dict(type='DrawSampler')"
                )
        draws = np.array([sample.get("draw") for sample in samples])
        for stream, augmentation in enumerate(self.augmentation):
            images = augmentation(images, draws, stream)
        return images
