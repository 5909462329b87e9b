"""Hook that writes predictions to files during a test."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmengine.structures import BaseDataElement
from mmseg.registry import HOOKS

from mtlplugins.common.dataset_leaves import leaf_datasets
from mtlplugins.common.model_wrappers import unwrapped_model
from mtlplugins.io.overwrite import refuse_inputs
from mtlplugins.kinds import get_part

from .prediction_files import prediction_file, save_predictions


@HOOKS.register_module()
class SavePredictionsHook(Hook):
    """Write the predictions of every test image (see :func:`save_predictions`).

    Args:
        out: Folder of the files.
        described: Descriptions by task, for tasks that the test data lack; checkpoints hold those
            of the training data.
    """

    def __init__(self, out: str, described: dict[str, dict] | None = None) -> None:
        self.out = Path(out)
        self.described = dict(described or {})
        self._written = 0

    def before_test(self, runner: Runner) -> None:
        """Refuse to overwrite an image or a target of the data set.

        Raises:
            ValueError: A file would be overwritten, a kind of target has no writer, or a predicted
                task has no description.
        """
        self._written = 0
        dataset = runner.test_loop.dataloader.dataset
        tasks = self._tasks(runner)
        predicted = getattr(unwrapped_model(runner.model), "predicted_tasks", ())
        if unknown := [task for task in predicted if task not in tasks]:
            raise ValueError(
                f"predictions of {', '.join(unknown)} cannot be written: neither the test data nor "
                "the checkpoint describe these tasks; give them to the data set's targets, or "
                "leave them out with --tasks"
            )
        for task, entry in tasks.items():
            get_part(entry["kind"], "writer", task=task)
        if not any((self.out / task).exists() for task in tasks):
            return
        outputs, inputs = [], []
        for part in leaf_datasets(dataset):
            get_data_info = getattr(part, "get_data_info", None)
            if get_data_info is None:
                continue
            for index in range(len(part)):
                info = get_data_info(index)
                if "img_path" not in info:  # the data set has no image files
                    continue
                inputs.append(info["img_path"])
                inputs += (s for s in info.get("target_sources", {}).values() if isinstance(s, str))
                name = _name(info)
                outputs += (prediction_file(self.out, t, e["kind"], name) for t, e in tasks.items())
        refuse_inputs(outputs, inputs)

    def after_test_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: Any = ()
    ) -> None:
        """Write the predictions of a batch, named by the images in the data set."""
        tasks = self._tasks(runner)
        for sample in outputs:
            save_predictions(sample, tasks, self.out, _name(sample))
            self._written += any(f"pred_{task}" in sample for task in tasks)

    def after_test(self, runner: Runner) -> None:
        """Check that something was written.

        Raises:
            ValueError: No image had a prediction.
        """
        if not self._written:
            raise ValueError(f"nothing was written to {self.out}: the model predicted no task")

    def _tasks(self, runner: Runner) -> dict[str, dict]:
        return self.described | runner.test_loop.dataloader.dataset.metainfo.get("tasks", {})


def _name(sample: BaseDataElement | dict[str, Any]) -> str:
    # a stem alone may occur in several folders of a data set
    path: Any = sample.get("img_path")
    return sample.get("name") or Path(path).stem
