"""Deployed model: preprocessing, network and post-processing in one exportable graph."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mmengine.model import ImgDataPreprocessor
from torch import Tensor, nn
from torch.nn.functional import pad

from mtlplugins.common.private import normalises_images, reverses_channels
from mtlplugins.models.heads.base import resize
from mtlplugins.models.multitask_model import MultiTaskModel
from mtlplugins.models.rows import AllRows


class DeployedModel(nn.Module):
    """Module to export: normalisation, prediction of all tasks, post-processing; tensors only.

    Args:
        model: The model. All its tasks are predicted, whatever its ``test_cfg.tasks``.

    Attributes:
        tasks: The tasks.
        outputs: Name of each output: the tasks, then ``<task>_std`` of those whose heads predict
            standard deviations (``uncertainty=True``).

    Raises:
        ValueError: The model's data preprocessor is not a ``MultiTaskDataPreprocessor``, or the
            model predicts in sliding windows or with test-time augmentation.
    """

    def __init__(self, model: MultiTaskModel) -> None:
        super().__init__()
        if not isinstance(model.data_preprocessor, ImgDataPreprocessor):
            raise ValueError(
                f"data_preprocessor is a {type(model.data_preprocessor).__name__}: a graph can "
                "only take over what MultiTaskDataPreprocessor does"
            )
        if model.test_cfg["mode"] != "whole":
            raise ValueError(
                f"test_cfg.mode={model.test_cfg['mode']!r}: a graph predicts whole images; set "
                "model.test_cfg.mode=whole and call it on windows where you need them"
            )
        if model.test_cfg.get("tta") is not None:
            raise ValueError(
                "test_cfg.tta: a graph predicts one view of an image; set model.test_cfg.tta=None, "
                "or predict with tools/test.py or tools/predict.py"
            )
        self.model = model
        self.tasks = model.tasks
        self.uncertain = tuple(task for task in model.tasks if model.heads[task].uncertainty)
        self.outputs = (*self.tasks, *(f"{task}_std" for task in self.uncertain))

    def forward(self, images: Tensor, embeddings: Tensor | None = None) -> tuple[Tensor, ...]:
        """Predict all tasks.

        Args:
            images: RGB images (B, 3, H, W), float32 from 0 to 255.
            embeddings: Task embeddings (T, embed_dims) to use in place of the model's, in the order
                of ``tasks``; None for the model's.

        Returns:
            The predictions of each of ``tasks``, as its head's ``postprocess`` returns them:
            (B, C, H, W) of a dense task, else (B, K); and standard deviations of the same shapes.
        """
        size = images.shape[-2:]
        inputs = self._preprocess(images)
        own = None if embeddings is None else lambda tasks: embeddings
        logits = self.model.encode_decode(inputs, AllRows(self.tasks, images.shape[0], own))
        final = {task: self._resized(task, logits[task], inputs, size) for task in self.tasks}
        heads = self.model.heads
        predictions = (heads[task].postprocess(final[task]) for task in self.tasks)
        deviations = (heads[task].deviations(final[task]) for task in self.uncertain)
        return (*predictions, *deviations)

    def _preprocess(self, images: Tensor) -> Tensor:
        settings: Any = self.model.data_preprocessor
        if not reverses_channels(settings):  # trained on BGR, the order that files are read in
            images = images.flip(1)
        if normalises_images(settings):
            images = (images - settings.mean) / settings.std
        bottom, right = (-side % settings.pad_size_divisor for side in images.shape[-2:])
        return pad(images, (0, right, 0, bottom), value=settings.pad_value)

    def _resized(self, task: str, logits: Tensor, inputs: Tensor, size: Sequence[int]) -> Tensor:
        if self.model.heads[task].dense:
            return resize(logits, inputs.shape[-2:])[..., : size[0], : size[1]]
        return logits
