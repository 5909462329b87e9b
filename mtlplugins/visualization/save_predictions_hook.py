"""Write predictions to files while testing."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmengine.structures import BaseDataElement
from mmseg.registry import HOOKS

from mtlplugins.visualization.prediction_files import save_predictions


@HOOKS.register_module()
class SavePredictionsHook(Hook):
    """Write the predictions of every test image, see :func:`save_predictions`.

    Args:
        out: Folder of the files.
    """

    def __init__(self, out: str) -> None:
        self.out = Path(out)

    def after_test_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: dict | None = None,
        outputs: Sequence[BaseDataElement] | None = None,
    ) -> None:
        """Write this batch's predictions under their images' names in the data set."""
        tasks = runner.test_loop.dataloader.dataset.metainfo["tasks"]
        for sample in outputs:
            # a stem alone may come in several folders of a data set
            name = sample.get("name") or Path(sample.img_path).stem
            save_predictions(sample, tasks, self.out, name)
