"""Arguments of models, data sets and targets that others take, and what to write here."""

from __future__ import annotations

import inspect

from mmengine.config import Config
from mmseg.registry import DATASETS, MODELS

from .entries import class_of
from .keys import refuse_unknown
from .tasks import leaves_of

_HEAD = "model.heads.TASK, as dict(type='MultiTaskDecodeHead', num_classes=…, head=…)"
_NOT_OF_MODELS = dict.fromkeys(("decode_head", "auxiliary_head", "head"), _HEAD)
_NOT_OF_DATASETS = {
    "classes": "targets.TASK.classes",
    "data_prefix": "image.folder and targets.TASK.folder",
    "filter_cfg": "the names that remain in ann_file",
    "ignore_index": "targets.TASK.ignore_index",
    "img_suffix": "image.suffix",
    "max_refetch": "broken_files='skip'",
    "metainfo": "targets.TASK.classes and targets.TASK.palette",
    "reduce_zero_label": "targets.TASK.reduce_zero_label",
    "seg_map_suffix": "targets.TASK.suffix",
    "serialize_data": "nothing, as the list of images is always serialised",
}
_NOT_OF_TARGETS = {
    "depth_map_suffix": "suffix",
    "depth_rescale_factor": "unit, the same number",
    "disparity": "encoding='inverse', with unit and scale=baseline * focal_length",
    "num_classes": "classes, a list of names",
    "seg_map_suffix": "suffix",
}


def check_arguments(cfg: Config) -> None:
    """Check the arguments of a multi-task model, its data sets and their targets by name.

    Raises:
        ValueError: An argument is unknown; the message says what to give instead, or names what
            there is. Classes that take any argument are left alone.
    """
    model = cfg.get("model")
    if isinstance(model, dict):
        _check("model", model, class_of(model, MODELS), "heads", _NOT_OF_MODELS)
    for where, dataset in leaves_of(cfg):
        _check(where, dataset, class_of(dataset, DATASETS), "targets", _NOT_OF_DATASETS)
        targets = dataset.get("targets")
        for task, target in targets.items() if isinstance(targets, dict) else ():
            if isinstance(target, dict):
                kind = class_of(target, DATASETS)
                _check(f"{where}.targets.{task}", target, kind, "folder", _NOT_OF_TARGETS)


def _check(where: str, given: dict, kind: type, mark: str, instead: dict[str, str]) -> None:
    """Check one entry, if its class has the argument ``mark`` of the multi-task ones."""
    taken = inspect.signature(kind).parameters
    if mark not in taken or any(p.kind is p.VAR_KEYWORD for p in taken.values()):
        return
    for key in given:
        if key in instead and key not in taken:
            raise ValueError(f"{where}.{key}: {kind.__name__} has none; give {instead[key]}")
    refuse_unknown(where, given, ("type", *taken))
