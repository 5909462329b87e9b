"""Inferencer: predictions of a trained model for image files."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import mmcv
import numpy as np
import torch
from mmengine.config import Config
from mmengine.dataset import Compose
from mmengine.registry import init_default_scope
from mmseg.registry import MODELS

from mtlplugins.common.text import few
from mtlplugins.config.load import load_config
from mtlplugins.io.checkpoint import load_state, read_checkpoint
from mtlplugins.structures import MultiTaskDataSample
from mtlplugins.visualization import draw_panel, prediction_file, save_predictions


class MultiTaskInferencer:
    """Predict all tasks of a model, or some of them, for image files.

    Args:
        config: Config file or object; it is code and must come from someone you trust.
        checkpoint: Checkpoint file, loaded safely: no code in it is run.
        tasks: Tasks to predict; None for all. Only their rows are computed.
        device: Device to run on; None for the GPU if there is one, else the CPU.

    Raises:
        FileNotFoundError: There is no such config or checkpoint.
        ValueError: The config has no model, a task is unknown, or the checkpoint is of another
            architecture, has weights that are not finite or does not describe its tasks.
    """

    def __init__(
        self,
        config: str | Config,
        checkpoint: str,
        *,
        tasks: Sequence[str] | None = None,
        device: str | None = None,
    ) -> None:
        cfg = load_config(config) if isinstance(config, str) else copy.deepcopy(config)
        init_default_scope("mmseg")
        if cfg.get("model") is None:
            raise ValueError("the config has no `model`: give one that a model was trained by")
        cfg.model.test_cfg = {**(cfg.model.get("test_cfg") or {}), "tasks": tasks}
        self.model = MODELS.build(cfg.model)
        state, meta = read_checkpoint(checkpoint)
        load_state(self.model, state, checkpoint)
        broken = [name for name, p in self.model.named_parameters() if not p.isfinite().all()]
        if broken:
            raise ValueError(
                f"{checkpoint} holds weights that are not finite, {few(broken)}: its training went "
                "wrong; give an earlier checkpoint"
            )
        self.dataset_meta = _described_tasks(meta, checkpoint)
        device = device or ("cuda" if torch.cuda.is_available() else "cpu")
        self.model.to(device).eval()
        self._transforms = _test_pipeline(cfg)

    @cached_property
    def pipeline(self) -> Compose:
        """Transforms of an image file; built at first use, because an export needs none.

        Raises:
            ValueError: The config has no transforms.
        """
        if not self._transforms:
            raise ValueError(
                "the config has no transforms for an image file: give it test_pipeline=[…], or "
                "test_dataloader.dataset.pipeline"
            )
        return Compose(self._transforms)

    @torch.no_grad()
    def __call__(self, image: str | Path) -> MultiTaskDataSample:
        """Predict the tasks of one image.

        Args:
            image: Image file.

        Returns:
            A sample with ``pred_<task>`` at the image's original size.

        Raises:
            mtlplugins.datasets.reading.files.BrokenFile: The image cannot be read.
        """
        data: Any = self.pipeline(dict(img_path=str(image)))
        batch = dict(inputs=[data["inputs"]], data_samples=[data["data_samples"]])
        return self.model.test_step(batch)[0].cpu()

    def panel(self, image: str | Path, sample: MultiTaskDataSample) -> np.ndarray:
        """Draw a panel of the image and its predictions: RGB uint8 (H, W, 3)."""
        pixels = mmcv.imread(str(image), channel_order="rgb")
        return draw_panel(pixels, sample, self.dataset_meta["tasks"], draw_gt=False)

    def files(self, out: str | Path, stem: str) -> list[Path]:
        """List the files that :meth:`save` will write."""
        described = self.dataset_meta["tasks"]
        asked = self.model.test_cfg.get("tasks") or self.model.tasks
        return [
            prediction_file(Path(out), task, described[task]["kind"], stem)
            for task in asked
            if task in described
        ]

    def save(self, sample: MultiTaskDataSample, out: str | Path, stem: str) -> None:
        """Write the predictions as files below ``out``; see :func:`save_predictions`."""
        save_predictions(sample, self.dataset_meta["tasks"], Path(out), stem)


def _test_pipeline(cfg: Config) -> list[dict]:
    """Read the transforms of an image file: ``test_pipeline``, or those of the test data set."""
    if cfg.get("test_pipeline"):
        return cfg.test_pipeline
    dataset = (cfg.get("test_dataloader") or {}).get("dataset") or {}
    while not dataset.get("pipeline") and isinstance(dataset.get("dataset"), dict):
        dataset = dataset["dataset"]
    return dataset.get("pipeline") or []


def _described_tasks(meta: Any, checkpoint: str) -> dict[str, Any]:
    """Read the description of the tasks from a checkpoint's ``meta``, which may hold anything."""
    described = meta.get("dataset_meta") if isinstance(meta, dict) else None
    tasks = described.get("tasks") if isinstance(described, dict) else None
    entries = tasks.values() if isinstance(tasks, dict) else [None]
    complete = all(isinstance(entry, dict) and "kind" in entry for entry in entries)
    if not isinstance(described, dict) or not complete:
        raise ValueError(f"{checkpoint} does not describe its tasks: was it saved by training?")
    return described
