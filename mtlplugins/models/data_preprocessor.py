"""From samples to a batch."""

from __future__ import annotations

from mmengine.model import ImgDataPreprocessor
from mmengine.structures import PixelData
from mmseg.registry import MODELS
from torch.nn.functional import pad


@MODELS.register_module()
class MultiTaskDataPreprocessor(ImgDataPreprocessor):
    """MMEngine's normalisation and padding, with each target padded by its own invalid value.

    mmseg's preprocessor pads depth with the segmentation's ignore index: 255 metres.
    Images and targets are padded at the right and the bottom. Same arguments as
    ``ImgDataPreprocessor``.
    """

    def forward(self, data: dict, training: bool = False) -> dict:
        """Make a batch.

        Args:
            data: ``inputs``, a list of uint8 images (3, H, W), and optionally ``data_samples``.
            training: Whether to pad the targets too; evaluation compares at the original size.

        Returns:
            ``inputs`` float32 (B, 3, H, W) and ``data_samples``, whose ``img_shape`` is the size
            before padding.

        Raises:
            ValueError: A target has another size than its image.
        """
        sizes = [tuple(image.shape[-2:]) for image in data["inputs"]]
        data = super().forward(data, training)
        data.setdefault("data_samples", None)
        height, width = data["inputs"].shape[-2:]
        for sample, size in zip(data["data_samples"] or (), sizes, strict=False):
            sample.set_metainfo(dict(img_shape=size, pad_shape=(height, width)))
            if not training:
                continue
            for task, invalid in sample.metainfo.get("invalid", {}).items():
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
