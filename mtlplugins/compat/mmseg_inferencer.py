"""mmsegmentation's own inferencer, for the semantic task of a multi-task model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from mmcv.transforms import Compose
from mmengine.config import Config
from mmseg.apis import MMSegInferencer
from mmseg.datasets.transforms import LoadImageFromNDArray
from mmseg.registry import TRANSFORMS
from mmseg.visualization import SegLocalVisualizer
from torch import nn

from mtlplugins.common.image_pipeline import image_pipeline_of

from ._replace import replace_once


def predict_by_mmseg_inferencer() -> None:
    """Let ``mmseg.apis.MMSegInferencer`` predict the task with class maps of a multi-task model.

    Breaks: it takes only pipelines that load images by ``LoadImageFromFile``, by that name, only
    predictions named ``pred_sem_seg``, classes only where a checkpoint has a single list of them,
    and no other visualizer than its own.
    Since: every mmsegmentation up to 1.2.2.
    Ends: when it leaves loading, naming and drawing to the model's package. Models of other
    packages are predicted as before.
    """
    replace_once(MMSegInferencer, "_load_weights_to_model", _with_classes_of_the_task)
    replace_once(MMSegInferencer, "_init_pipeline", _with_any_loader)
    replace_once(MMSegInferencer, "_init_visualizer", _with_its_own)
    replace_once(MMSegInferencer, "forward", _under_its_name)


def _semantic_task(model: nn.Module) -> str | None:
    """Return the task with class maps; None for the model of another package.

    Raises:
        ValueError: The model predicts no such task, or several.
    """
    tasks = getattr(model, "predicted_tasks", None)
    if tasks is None:
        return None
    heads: Any = model.heads
    found = [task for task in tasks if getattr(heads[task], "kind", None) == "segmentation"]
    if len(found) != 1:
        raise ValueError(
            "MMSegInferencer predicts one task with class maps, and this model predicts "
            f"{', '.join(found) or 'none'}: take mtlplugins.apis.MultiTaskInferencer, which "
            "predicts all tasks, or give the config model.test_cfg.tasks with one of them"
        )
    return found[0]


def _with_classes_of_the_task(load: Callable[..., None]) -> Callable[..., None]:
    def _load_weights_to_model(self: Any, model: Any, checkpoint: dict | None, cfg: Any) -> None:
        task = _semantic_task(model)
        load(self, model, checkpoint, cfg)
        if task is not None and checkpoint is not None:
            described = checkpoint.get("meta", {}).get("dataset_meta", {}).get("tasks", {})
            entry = described.get(task, {})
            model.dataset_meta = {key: entry.get(key) for key in ("classes", "palette")}

    return _load_weights_to_model


def _with_any_loader(init: Callable[..., Compose]) -> Callable[..., Compose]:
    def _init_pipeline(self: Any, cfg: Config) -> Compose:
        if _semantic_task(self.model) is None:
            return init(self, cfg)
        load, *others = map(TRANSFORMS.build, image_pipeline_of(cfg))
        from_memory = LoadImageFromNDArray()

        def load_anything(image: Any) -> Any:
            if isinstance(image, np.ndarray):
                return from_memory(dict(img=image))
            return load(dict(img_path=image))

        return Compose([load_anything, *others])

    return _init_pipeline


def _with_its_own(init: Callable[..., Any]) -> Callable[..., Any]:
    def _init_visualizer(self: Any, cfg: Config) -> Any:
        if _semantic_task(self.model) is None:
            return init(self, cfg)
        return SegLocalVisualizer()  # ours draws panels of all tasks

    return _init_visualizer


def _under_its_name(forward: Callable[..., Sequence[Any]]) -> Callable[..., Sequence[Any]]:
    def forward_and_name(self: Any, inputs: Any, **kwargs: Any) -> Sequence[Any]:
        """Predict; the prediction of the semantic task is ``pred_sem_seg`` too."""
        samples = forward(self, inputs, **kwargs)
        task = _semantic_task(self.model)
        if task is not None:
            for sample in samples:
                sample.pred_sem_seg = sample.get(f"pred_{task}")
        return samples

    return forward_and_name
