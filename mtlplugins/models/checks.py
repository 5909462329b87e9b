"""Validation of a model's config before anything is built."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from difflib import get_close_matches
from inspect import Parameter, signature
from typing import Any

from mmengine.model import ModuleDict
from mmseg.registry import MODELS
from torch import nn

from .views import check_views

#: Arguments of a balancing method that the model gives.
_FROM_THE_MODEL = ("tasks", "task_weights")
_TEST_KEYS = ("mode", "tasks", "crop_size", "stride", "tta")
#: Containers of modules per task; their attributes, such as ``train``, cannot be task names.
_BY_TASK = (ModuleDict(), nn.ParameterDict())


def check_tasks(where: str, tasks: Collection[str], known: Collection[str]) -> None:
    """Check task names.

    Args:
        where: Name of the argument that has the tasks; named in the error.
        tasks: The task names to check.
        known: Tasks of the model.

    Raises:
        ValueError: A task is unknown or listed twice, has "loss" or "." in its name, or is named
            like an attribute of PyTorch's modules.
    """
    for task in tasks:
        if task not in known:
            raise ValueError(
                f"{where}: unknown task {task!r}; tasks of this model: {', '.join(known)}"
            )
        if "loss" in task:
            raise ValueError(
                f"task {task!r}: MMEngine adds up everything named with 'loss' as the loss; rename "
                "the task"
            )
        if not task or "." in task or any(hasattr(holder, task) for holder in _BY_TASK):
            raise ValueError(
                f"task {task!r}: PyTorch cannot give this name to a part of a model; rename the "
                "task"
            )
        if list(tasks).count(task) > 1:
            raise ValueError(f"{where}: task {task!r} is given twice; leave one out")


def check_parts(tasks: Sequence[str], **parts: Mapping[str, Any]) -> None:
    """Check that the part of each task, such as its head, is a config.

    Args:
        tasks: The tasks of the model.
        parts: The parts by task, by argument of the model (``heads``, ``decoders``).

    Raises:
        ValueError: A part is not a dict.
    """
    for where, given in parts.items():
        for task in tasks:
            if task in given and not isinstance(given[task], dict):
                raise ValueError(
                    f"{where}.{task}={given[task]!r}: give a dict with its type, or leave the task "
                    "out of model.tasks"
                )


def check_exchange(frozen_tasks: Sequence[str]) -> None:
    """Check that no task is frozen that would exchange maps with those that are trained.

    Raises:
        ValueError: A task is frozen.
    """
    if frozen_tasks:
        raise ValueError(
            f"frozen_tasks={tuple(frozen_tasks)} would not stay as they are: by model.exchange "
            "their maps depend on those of the tasks that are trained; leave one of the two out"
        )


def check_method(where: str, config: Any, known: Sequence[str]) -> None:
    """Check that ``model.balancing`` or ``model.step`` names a registered method.

    Args:
        where: The argument of the model.
        config: Its value; None for the default.
        known: The methods of this package, for the error. Methods that another package registers
            are accepted, too.

    Raises:
        ValueError: The value is not a config, its type is unknown, or an option is unknown or
            missing.
    """
    if config is None:
        return
    given = config.get("type") if isinstance(config, dict) else config
    similar = get_close_matches(str(given), known, n=2, cutoff=0.5) or known
    examples = " or ".join(f"dict(type={name!r})" for name in similar)
    if not isinstance(config, dict) or "type" not in config:
        raise ValueError(f"model.{where}={config!r}: give {examples}")
    kind = MODELS.get(config["type"]) if isinstance(config["type"], str) else config["type"]
    if kind is None:
        raise ValueError(f"model.{where}.type={config['type']!r} is unknown: give {examples}")
    parameters = signature(kind).parameters
    if any(p.kind is Parameter.VAR_KEYWORD for p in parameters.values()):
        return
    options = [name for name in parameters if name not in _FROM_THE_MODEL]
    for key in config.keys() - {"type"} - set(options):
        similar = get_close_matches(key, options, n=2, cutoff=0.5) or options
        raise ValueError(
            f"model.{where}.{key}: {kind.__name__} has no such option; it has "
            f"{', '.join(similar) or 'none'}"
        )
    for name in options:
        if parameters[name].default is Parameter.empty and name not in config:
            raise ValueError(f"model.{where}: {kind.__name__} needs {name}; give {where}.{name}=…")


def check_channels(preprocessor: nn.Module, encoder: nn.Module) -> None:
    """Check that an encoder of ours takes as many channels as the preprocessor normalises.

    Raises:
        ValueError: The numbers differ.
    """
    mean, names = getattr(preprocessor, "mean", None), getattr(encoder, "before_blocks", None)
    if mean is None or names is None or len(mean) == 1:
        return
    convolutions = (
        module
        for name, module in encoder.named_modules()
        if isinstance(module, nn.Conv2d) and f"{name}.".startswith(names)
    )
    first = next(convolutions, None)
    if first is not None and first.in_channels != len(mean):
        raise ValueError(
            f"model.data_preprocessor has mean and std of {len(mean)} channels, but the encoder "
            f"takes {first.in_channels}: set model.backbone.in_channels={len(mean)}, or give mean "
            f"and std of {first.in_channels} values; images of other than three channels are "
            "loaded by dict(type='LoadImageChannels', channels=…)"
        )


def check_test_cfg(test_cfg: Mapping[str, Any], tasks: Sequence[str]) -> None:
    """Check ``test_cfg``, the settings of prediction, against the tasks of the model.

    Raises:
        ValueError: A task, key or mode is unknown, or sliding windows have no size or leave gaps,
            or ``tta`` has other settings than scales and flip.
    """
    for key in test_cfg:
        if key not in _TEST_KEYS:
            similar = get_close_matches(key, _TEST_KEYS, n=1) or _TEST_KEYS
            raise ValueError(f"test_cfg: unknown key {key!r}; give {' or '.join(similar)}")
    if test_cfg.get("tta") is not None:
        check_views(test_cfg["tta"])
    check_tasks("test_cfg.tasks", test_cfg["tasks"] or (), tasks)
    if test_cfg["mode"] not in ("whole", "slide"):
        raise ValueError(f"test_cfg.mode={test_cfg['mode']!r}: give 'whole' or 'slide'")
    if test_cfg["mode"] == "slide":
        for key in ("crop_size", "stride"):
            size = test_cfg.get(key)
            if not isinstance(size, Sequence) or len(size) != 2:
                raise ValueError(f"test_cfg.mode='slide' needs test_cfg.{key}=(height, width)")
        crop, stride = test_cfg["crop_size"], test_cfg["stride"]
        if not all(0 < step <= side for step, side in zip(stride, crop, strict=True)):
            raise ValueError(
                f"test_cfg.stride={tuple(stride)} must be positive and at most "
                f"crop_size={tuple(crop)}, or windows leave gaps"
            )


def check_unread(*, pretrained: Any, train_cfg: Any) -> None:
    """Refuse arguments of mmseg's models that would have no effect here.

    Raises:
        ValueError: One of them is given.
    """
    if pretrained:
        raise ValueError(
            f"model.pretrained={pretrained!r} would not be read: for the encoder give "
            "model.backbone.init_cfg=dict(type='Pretrained', checkpoint=…), for the whole model "
            "load_from"
        )
    if train_cfg:
        raise ValueError(
            f"model.train_cfg={dict(train_cfg)} would not be read: give what concerns a head to "
            "model.heads.TASK, such as the sampler of MultiTaskDecodeHead in its head"
        )


def check_preprocessor(built: nn.Module | None) -> None:
    """Refuse data preprocessors that pad images and not their targets.

    The logits of the padded image would be squeezed to the size of the target.

    Args:
        built: The data preprocessor; None if the model has none yet.

    Raises:
        ValueError: It is one of MMEngine, mmseg or mmpretrain.
    """
    if type(built).__module__.partition(".")[0] in ("mmengine", "mmseg", "mmpretrain"):
        raise ValueError(
            f"model.data_preprocessor: {type(built).__name__} does not pad the targets of tasks "
            "with the image: take dict(type='MultiTaskDataPreprocessor', mean=…, std=…, "
            "bgr_to_rgb=True), which pads each with its own invalid value"
        )
