"""Check before training that model, data, metrics and checkpoint fit together."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from mmengine.dist import is_main_process
from mmengine.hooks import Hook
from mmengine.logging import print_log
from mmengine.model import BaseDataPreprocessor
from mmengine.runner import Runner, TestLoop, ValLoop
from mmseg.evaluation import IoUMetric
from mmseg.registry import HOOKS
from torch import Tensor, nn

from mtlplugins.common.dataset_leaves import leaf_datasets
from mtlplugins.common.model_wrappers import unwrapped_model
from mtlplugins.common.private import is_resuming
from mtlplugins.common.text import few
from mtlplugins.kinds import serves

from .doubtful_targets import doubtful_targets
from .mirrored_views import refuse_mirrored_views
from .unused_custom_keys import unused_custom_keys
from .wrapped_pipelines import check_wrapped_pipelines

#: What a target lists, how an error calls it, and the head's setting that must count it.
_SIZES = (("classes", "classes", "num_classes"), ("names", "numbers per image", "num_outputs"))


@HOOKS.register_module()
class CheckTasksHook(Hook):
    """Compare the model's tasks with the training data's, before the first batch.

    Warns, with counts, of classes that never occur in the training targets, of tasks with a single
    value there, and of values that cannot be: in another unit than the head's, or other axes.

    A model without tasks, such as mmseg's, is only compared with the checkpoint to resume from.

    Raises:
        ValueError: The data has no target for a trained task, another number of classes or numbers
            than the head, or a class that the head ignores; mirrored views are merged of values
            that change in a mirrored image (``test_cfg.tta``); a model with frozen tasks was not
            loaded from a checkpoint; the checkpoint is of another encoder or, on resume, of another
            model; an evaluator has mmseg's metric for a single segmentation, or scores a task that
            is not predicted.
    """

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Refuse weights of another encoder: MMEngine would load those that fit and continue.

        When training starts, heads and tasks may differ: a trained model can learn new tasks. On
        resume they may not, as the optimizer state would be assigned to other weights.
        """
        model = unwrapped_model(runner.model)
        given = checkpoint.get("state_dict", checkpoint)
        given = {key.removeprefix("module."): value for key, value in given.items()}
        own = model.state_dict()
        differing = [
            name for name in sorted({*given, *own}) if _shape(given, name) != _shape(own, name)
        ]
        if is_resuming(runner) and differing:
            raise ValueError(
                f"the run to resume has another model: {few(differing)} differ; give the config "
                "that it was started with. To start from its weights alone, give --cfg-options "
                "load_from=CHECKPOINT and another --work-dir, without --resume"
            )
        other = [n for n in differing if n in given and n in own and n.startswith("backbone.")]
        if other and _has_tasks(model):
            raise ValueError(
                f"load_from is the checkpoint of another encoder: {few(other)} have another shape, "
                "and would start at random; give the config that it was trained with, or another "
                "checkpoint"
            )

    def before_train(self, runner: Runner) -> None:
        """Check the training data and the validation."""
        _check_loop("val_evaluator", runner, runner.val_loop)
        model = unwrapped_model(runner.model)
        if not _has_tasks(model):
            return
        _check_preprocessor(model)
        dataset = runner.train_loop.dataloader.dataset
        described = dataset.metainfo.get("tasks", {})
        if model.frozen_tasks and not model.frozen_tasks_loaded:
            raise ValueError(
                f"model.frozen_tasks={model.frozen_tasks}, but nothing was loaded, so they would "
                "stay random: set load_from to a checkpoint that knows them"
            )
        for task in model.trained_tasks:
            if task not in described:
                raise ValueError(
                    f"the model learns task {task!r}, but the training data has only "
                    f"{', '.join(described)}: give the data set this task, or set model.tasks"
                )
            _check_head(task, described[task], model.heads[task])
        check_wrapped_pipelines(dataset)
        if is_main_process():
            cfg = getattr(runner, "cfg", None) or {}
            optimizer = cfg.get("optim_wrapper") or {}
            names = (name for name, _ in getattr(model, "named_parameters", dict)())
            if unused := unused_custom_keys(optimizer, names):
                print_log(unused, logger="current", level=logging.WARNING)
            heads = (cfg.get("model") or {}).get("heads") or {}
            for doubt in doubtful_targets(dataset, model.trained_tasks, heads):
                print_log(doubt, logger="current", level=logging.WARNING)

    def before_val(self, runner: Runner) -> None:
        """Check the validation."""
        _check_loop("val_evaluator", runner, runner.val_loop)

    def before_test(self, runner: Runner) -> None:
        """Check the test."""
        _check_loop("test_evaluator", runner, runner.test_loop)


def _check_head(task: str, described: Mapping[str, Any], head: nn.Module) -> None:
    """Compare the description of a task's targets with the head that learns them."""
    kind = described.get("kind")
    learns = getattr(head, "kind", kind)  # a user's head may have none
    if kind is not None and learns not in (None, kind) and not serves(head, kind, "head"):
        raise ValueError(
            f"task {task!r}: the data's target is of kind {kind!r}, but {type(head).__name__} "
            f"learns {learns!r}: correct model.heads.{task}.type or the data set's targets.{task}"
        )
    for field, word, setting in _SIZES:
        given, expected = described.get(field), getattr(head, setting, None)
        if given is not None and expected not in (None, len(given)):
            raise ValueError(
                f"task {task!r}: the data has {len(given)} {word}, the head {setting}={expected}: "
                f"correct model.heads.{task}.{setting}"
            )
    classes, ignored = described.get("classes"), getattr(head, "ignore_index", None)
    if classes is not None and ignored is not None and 0 <= ignored < len(classes):
        raise ValueError(
            f"task {task!r}: the head's ignore_index={ignored} is the data's class "
            f"{classes[ignored]!r}, which would not be learnt: give model.heads.{task} the "
            f"data's ignore_index, {described.get('ignore_index', 255)}"
        )


def _shape(state: Mapping[str, Tensor], name: str) -> tuple[int, ...] | None:
    return tuple(state[name].shape) if name in state else None


def _has_tasks(model: nn.Module) -> bool:
    return hasattr(model, "trained_tasks")


def _check_preprocessor(model: nn.Module) -> None:
    given = getattr(model, "data_preprocessor", None)
    if type(given) is BaseDataPreprocessor:  # MMEngine's, where the config has none
        raise ValueError(
            "model.data_preprocessor is missing: give dict(type='MultiTaskDataPreprocessor', "
            "mean=…, std=…, bgr_to_rgb=True), which makes batches of images and targets"
        )


def _check_loop(name: str, runner: Runner, loop: ValLoop | TestLoop | None) -> None:
    """Check the metrics of a loop and, if views are merged, its targets."""
    if loop is None:
        return
    model = unwrapped_model(runner.model)
    # a model that is not ours may be tested too
    predicted = getattr(model, "predicted_tasks", ())
    _check_metrics(name, predicted, loop.evaluator.metrics)
    tta = getattr(model, "test_cfg", {}).get("tta") if predicted else None
    if tta is not None:
        heads = {task: model.heads[task] for task in predicted}
        parts = leaf_datasets(loop.dataloader.dataset)
        targets = (pair for part in parts for pair in getattr(part, "target_types", {}).items())
        refuse_mirrored_views(tta, heads, (pair for pair in targets if pair[0] in heads))


def _check_metrics(name: str, predicted: Sequence[str], metrics: Sequence[Any]) -> None:
    for metric in metrics:
        if predicted and isinstance(metric, IoUMetric) and not hasattr(metric, "task"):
            raise ValueError(
                f"{name}: mmseg's {type(metric).__name__} does not know of tasks; use "
                "dict(type='MultiTaskIoUMetric', task=…)"
            )
        task = getattr(metric, "task", None)  # our metrics have it
        if task is not None and predicted and task not in predicted:
            raise ValueError(
                f"{name}: {type(metric).__name__} scores task {task!r}, but the model "
                f"predicts only {', '.join(predicted)}: leave this metric out, or correct "
                "model.tasks or model.test_cfg.tasks"
            )
    owners: dict[str, Any] = {}
    for metric in metrics:
        for score in getattr(metric, "names", ()):
            same = owners.setdefault(f"{metric.prefix}/{score}", metric)
            if same is not metric:
                raise ValueError(
                    f"{name}: two {type(metric).__name__} give the score {metric.prefix}/{score}, "
                    "which MMEngine refuses at the end of a validation: leave one out, and run "
                    "test.py again with the other's settings (--cfg-options "
                    "test_evaluator.INDEX.KEY=VALUE)"
                )
