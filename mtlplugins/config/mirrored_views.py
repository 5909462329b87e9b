"""Check that a config's test-time augmentation fits its targets."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import Any

import mmseg.apis
from mmengine.config import Config
from mmengine.registry import DefaultScope
from mmseg.apis import MMSegInferencer, inference
from mmseg.registry import DATASETS, MODELS

from mtlplugins.common.private import config_dict
from mtlplugins.compat._replace import replace_once
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


def check_models_of_mmseg() -> None:
    """Let ``mmseg.apis.init_model`` and ``MMSegInferencer`` refuse such views too."""
    replace_once(MMSegInferencer, "_init_model", _checked_first)
    for module in (inference, mmseg.apis):
        replace_once(module, "init_model", _checked_after)


def _checked_first(init: Callable[..., Any]) -> Callable[..., Any]:
    def _init_model(self: Any, cfg: Any, *args: Any, **kwargs: Any) -> Any:
        if isinstance(cfg, Config):
            check_mirrored_views(cfg)
        return init(self, cfg, *args, **kwargs)

    return _init_model


def _checked_after(init: Callable[..., Any]) -> Callable[..., Any]:
    def init_model(*args: Any, **kwargs: Any) -> Any:
        model = init(*args, **kwargs)
        check_mirrored_views(model.cfg)
        return model

    return init_model


def _targets(cfg: Config, tasks: Collection[str]) -> Iterator[tuple[str, Any]]:
    """Build the targets of a config's data sets; no file is read."""
    with DefaultScope.overwrite_default_scope("mmseg"):
        for key, value in walk(config_dict(cfg)):
            *above, task = key.split(".")
            if "dataset" in above and above[-1] == "targets" and task in tasks:
                yield task, DATASETS.build(value)
