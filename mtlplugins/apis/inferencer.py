"""A trained model on pictures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import mmcv
import numpy as np
import torch
from mmengine.config import Config
from mmengine.dataset import Compose
from mmengine.registry import init_default_scope
from mmseg.registry import MODELS

from mtlplugins.apis.config import load_config
from mtlplugins.checkpoint import load_state, read_checkpoint
from mtlplugins.structures import MultiTaskDataSample
from mtlplugins.visualization import draw_panel, save_predictions


class MultiTaskInferencer:
    """Predict all tasks of a model, or some of them, for pictures.

    Args:
        config: Config file or object; it is code and must come from someone you trust.
        checkpoint: Checkpoint file, read without running anything in it.
        tasks: Tasks to predict, None for all. Only their rows are computed.
        device: Where to run; None for the GPU where there is one.

    Raises:
        FileNotFoundError: There is no such config or checkpoint.
        ValueError: An unknown task, or a checkpoint of another architecture.
    """

    def __init__(
        self,
        config: str | Config,
        checkpoint: str,
        *,
        tasks: Sequence[str] | None = None,
        device: str | None = None,
    ) -> None:
        cfg = load_config(config) if isinstance(config, str) else config
        init_default_scope("mmseg")
        cfg = cfg.copy()
        cfg.model.setdefault("test_cfg", {})["tasks"] = tasks
        self.model = MODELS.build(cfg.model)
        state, meta = read_checkpoint(checkpoint)
        load_state(self.model, state, checkpoint)
        self.dataset_meta = meta.get("dataset_meta") or {}
        if "tasks" not in self.dataset_meta:
            raise ValueError(f"{checkpoint} does not describe its tasks: was it saved by training?")
        device = device or ("cuda" if torch.cuda.is_available() else "cpu")
        self.model.to(device).eval()
        self.pipeline = Compose(cfg.test_pipeline)

    @torch.no_grad()
    def __call__(self, image: str | Path) -> MultiTaskDataSample:
        """Predict the tasks of one picture.

        Args:
            image: Image file.

        Returns:
            A sample with ``pred_<task>`` at the picture's own size.
        """
        data = self.pipeline(dict(img_path=str(image)))
        batch = dict(inputs=[data["inputs"]], data_samples=[data["data_samples"]])
        return self.model.test_step(batch)[0].cpu()

    def panel(self, image: str | Path, sample: MultiTaskDataSample) -> np.ndarray:
        """Draw the picture and its predictions: uint8 RGB (H, W, 3)."""
        pixels = mmcv.imread(str(image), channel_order="rgb")
        return draw_panel(pixels, sample, self.dataset_meta["tasks"], draw_gt=False)

    def save(self, sample: MultiTaskDataSample, out: str | Path, stem: str) -> None:
        """Write the predictions as files below ``out``; see :func:`save_predictions`."""
        save_predictions(sample, self.dataset_meta["tasks"], Path(out), stem)
