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
        mean: Mean of each channel, in RGB order if ``bgr_to_rgb``; one for all channels; None for
            no normalisation. Other numbers of channels than three need ``LoadImageChannels``.
        std: Standard deviation of each channel.
        pad_size_divisor: Height and width of a batch are padded to multiples of it.
        pad_value: Value of the padding, after normalisation.
        bgr_to_rgb: Whether to convert BGR to RGB before normalisation.
        rgb_to_bgr: Whether to convert RGB to BGR before normalisation.
        non_blocking: Whether images in pinned memory are copied to the device asynchronously.
        augmentation: Augmentations of training batches, such as ``dict(type="BatchRandomFlip")``;
            only for data without dense targets whose sampler is a ``DrawSampler``.

    Raises:
        ValueError: ``mean`` and ``std`` differ in length, ``std`` is not positive, or the order of
            the channels is converted though there are not three.
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
        own = mean is not None and len(mean) not in (1, 3)  # MMEngine takes 1 and 3 values
        _check_statistics(mean, std, converts=bgr_to_rgb or rgb_to_bgr)
        super().__init__(
            mean=None if own else mean,
            std=None if own else std,
            pad_size_divisor=pad_size_divisor,
            pad_value=pad_value,
            bgr_to_rgb=bgr_to_rgb,
            rgb_to_bgr=rgb_to_bgr,
            non_blocking=non_blocking,
        )
        if own:
            self._enable_normalize = True
            for name, values in (("mean", mean), ("std", std)):
                statistics = torch.tensor(values, dtype=torch.float32).view(-1, 1, 1)
                self.register_buffer(name, statistics, persistent=False)
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
            ValueError: The images have another number of channels than ``mean``; a target and its
                image differ in size; or the data do not fit the augmentation.
        """
        images = data["inputs"]
        if isinstance(images, Tensor):
            sizes = [tuple(images.shape[-2:])] * len(images)
        else:
            sizes = [tuple(image.shape[-2:]) for image in images]
        if not isinstance(images, Tensor) and len({image.shape for image in images}) == 1:
            # one tensor takes one copy to the device and one normalisation
            data = {**data, "inputs": torch.stack(list(images))}
        self._check_channels(data)
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

    def _check_channels(self, data: dict) -> None:
        """Compare the channels of the first image with the settings."""
        images, samples = data["inputs"], data.get("data_samples")
        if not len(images):
            return
        count = images[0].shape[0]
        expected = len(self.get_buffer("mean")) if self._enable_normalize else 1
        name = samples[0].get("img_path", "an image") if samples else "an image"
        if expected not in (1, count):
            raise ValueError(
                f"{name} has {count} channels, but model.data_preprocessor has mean and std of "
                f"{expected}: load images of {expected} channels by dict(type='LoadImageChannels', "
                f"channels={expected}) in the pipelines, or give mean and std of {count} values "
                f"and model.backbone.in_channels={count}"
            )
        if self._channel_conversion and count != 3:
            raise ValueError(
                f"{name} has {count} channels, but model.data_preprocessor converts between BGR "
                "and RGB: set bgr_to_rgb=False and rgb_to_bgr=False, as LoadImageChannels keeps "
                "the order of the file"
            )

    def cast_data(self, data: Any) -> Any:
        """Copy a batch to the model's device, except for image-level labels.

        The heads check and concatenate those on the CPU: one copy for the batch instead of one per
        image, and none back.
        """
        if not isinstance(data, MultiTaskDataSample):
            return super().cast_data(data)
        moved = data.new()
        for name, value in moved.items():
            if isinstance(value, PixelData):
                moved.set_field(super().cast_data(value), name)
        return moved

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


def _check_statistics(
    mean: Sequence[float] | None, std: Sequence[float] | None, *, converts: bool
) -> None:
    """Check the statistics of the channels; MMEngine asserts without naming them."""
    if mean is None or std is None:
        return
    if len(mean) != len(std) or not all(value > 0 for value in std):
        raise ValueError(
            f"model.data_preprocessor: mean={tuple(mean)}, std={tuple(std)}: give as many of both "
            "as the images have channels, and std above 0"
        )
    if converts and len(mean) not in (1, 3):
        raise ValueError(
            f"model.data_preprocessor: mean and std of {len(mean)} channels, but bgr_to_rgb or "
            "rgb_to_bgr is set, which is for three: set both to False (a config that inherits "
            "bgr_to_rgb=True: too), as LoadImageChannels keeps the order of the file"
        )
