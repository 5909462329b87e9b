"""Check that a config's test-time augmentation fits its targets."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from mmengine.config import Config
from mmengine.registry import DefaultScope
from mmseg.registry import DATASETS, MODELS

from mtlplugins.common.private import config_dict
from mtlplugins.engine.guards.mirrored_views import refuse_mirrored_views

from .entries import class_of, walk


def check_mirrored_views(cfg: Config) -> None:
    """Refuse mirrored views of values that change in a mirrored image, before data are loaded.

    Knows the targets that the config lists (``dataset.targets``); :class:`CheckTasksHook` checks
    those of a data set with targets of its own.

    Raises:
        ValueError: See :func:`refuse_mirrored_views`.
    """
    model = cfg.get("model") or {}
    settings = model.get("test_cfg") or {}
    heads = model.get("heads") or {}
    predicted = settings.get("tasks") or model.get("tasks") or heads
    kinds = {task: class_of(heads.get(task), MODELS) for task in predicted}
    refuse_mirrored_views(settings.get("tta"), kinds, _targets(cfg, predicted))


def _targets(cfg: Config, tasks: Collection[str]) -> Iterator[tuple[str, Any]]:
    """Build the targets of a config's data sets; no file is read."""
    with DefaultScope.overwrite_default_scope("mmseg"):
        for key, value in walk(config_dict(cfg)):
            *above, task = key.split(".")
            if "dataset" in above and above[-1] == "targets" and task in tasks:
                yield task, DATASETS.build(value)
