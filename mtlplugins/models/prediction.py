"""Prediction of a multi-task model: whole images or sliding windows, at the original size."""

from __future__ import annotations

from collections.abc import Callable, MutableMapping, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from mtlplugins.structures import MultiTaskDataSample

from .heads import TaskHead
from .rows import AllRows, Embedding
from .sliding import average_windows, to_original_size
from .views import views_of


class Prediction(nn.Module):
    """Mixin of :class:`MultiTaskModel` for inference."""

    tasks: tuple[str, ...]
    test_cfg: dict[str, Any]
    heads: MutableMapping[str, TaskHead]
    data_preprocessor: nn.Module
    encode_decode: Callable[..., dict[str, Tensor]]

    @property
    def predicted_tasks(self) -> tuple[str, ...]:
        """Tasks that are predicted: ``test_cfg.tasks``, or all."""
        return tuple(self.test_cfg["tasks"] or self.tasks)

    def predict(
        self,
        inputs: Tensor,
        data_samples: list[MultiTaskDataSample] | None = None,
        *,
        tasks: Sequence[str] | None = None,
        embedding: Embedding | None = None,
    ) -> list[MultiTaskDataSample]:
        """Predict tasks at the original size of each image.

        Args:
            inputs: Images (B, 3, H, W).
            data_samples: The images' sizes before padding and resizing.
            tasks: Tasks to predict; None for ``predicted_tasks``.
            embedding: Embeddings to use in place of the model's; None for the model's.

        Returns:
            The samples, with predictions in ``pred_<task>``.
        """
        if data_samples is None:
            size = tuple(inputs.shape[-2:])
            meta = dict(ori_shape=size, img_shape=size)
            data_samples = [MultiTaskDataSample(metainfo=meta) for _ in inputs]
        run = self._slide if self.test_cfg["mode"] == "slide" else self._whole
        asked = tuple(tasks or self.predicted_tasks)
        if self.test_cfg.get("tta") is not None:
            self._predict_views(
                partial(run, tasks=asked, embedding=embedding), inputs, data_samples
            )
            return data_samples
        for task, logits in run(inputs, asked, embedding).items():
            head = self.heads[task]
            for sample, out in zip(data_samples, logits, strict=True):
                if head.dense:
                    out = to_original_size(out, inputs.shape[-2:], sample)
                setattr(sample, f"pred_{task}", head.predict(out))
        return data_samples

    def _predict_views(
        self,
        run: Callable[[Tensor], dict[str, Tensor]],
        inputs: Tensor,
        data_samples: Sequence[MultiTaskDataSample],
    ) -> None:
        """Predict with test-time augmentation; each head merges the logits of the views."""
        divisor = getattr(self.data_preprocessor, "pad_size_divisor", 1)
        seen = [
            view.predict(run, inputs, self.heads, divisor=divisor)
            for view in views_of(self.test_cfg["tta"])
        ]
        for task in seen[0]:
            head = self.heads[task]
            for index, sample in enumerate(data_samples):
                views = [logits[task][index] for logits in seen]
                if head.dense:
                    views = [to_original_size(v, inputs.shape[-2:], sample) for v in views]
                setattr(sample, f"pred_{task}", head.merge(torch.stack(views)))

    def _whole(
        self, inputs: Tensor, tasks: Sequence[str], embedding: Embedding | None = None
    ) -> dict[str, Tensor]:
        if not tasks:
            return {}
        return self.encode_decode(inputs, AllRows(tuple(tasks), len(inputs), embedding))

    def _slide(
        self, inputs: Tensor, tasks: Sequence[str], embedding: Embedding | None
    ) -> dict[str, Tensor]:
        """Average dense logits over overlapping windows; image-level tasks get the whole image."""
        dense = [task for task in tasks if self.heads[task].dense]
        others = [task for task in tasks if task not in dense]
        logits = self._whole(inputs, others, embedding)
        if dense:
            windows = {key: self.test_cfg[key] for key in ("crop_size", "stride")}
            logits |= average_windows(
                lambda crop: self._whole(crop, dense, embedding), inputs, **windows
            )
        return logits

    def _forward(
        self, inputs: Tensor, data_samples: list[MultiTaskDataSample] | None = None
    ) -> dict[str, Tensor]:
        """Compute the logits of all tasks for all images, without post-processing."""
        return self._whole(inputs, self.tasks)
