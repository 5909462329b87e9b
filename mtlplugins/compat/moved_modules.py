"""Modules of this package under the names that they had before they moved."""

from __future__ import annotations

import sys
import warnings
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

#: Old name and new name of the modules from which users import classes and functions.
MOVED = {
    f"mtlplugins.{old}": f"mtlplugins.{new}"
    for old, new in {
        "checkpoint": "io.checkpoint",
        "datasets.collating": "datasets.collate",
        "datasets.draws": "datasets.draw_sampler",
        "datasets.files": "datasets.reading.files",
        "datasets.image_label": "datasets.targets.image_label",
        "datasets.mixed": "datasets.wrappers.mixed",
        "datasets.normal_map": "datasets.targets.normal_map",
        "datasets.normals": "geometry.normals",
        "datasets.one_task": "datasets.wrappers.one_task",
        "engine.hooks": "engine",
        "engine.loops": "engine.resume.loops",
        "engine.optim_wrapper": "engine.speed.bf16_optim_wrapper",
        "evaluation.accuracy_metric": "evaluation.accuracy",
        "evaluation.segmentation_metric": "evaluation.iou_metric",
        "models.deployed": "models.inference.deployed",
        "models.folding": "models.inference.folding",
        "randomness": "common.randomness",
    }.items()
}


def find_moved_modules() -> None:
    """Let the old names of modules be imported; each gives the module itself, with a warning.

    Breaks: scripts and ``custom_imports`` that were written before the modules moved.
    Since: the packages ``datasets.targets``, ``engine.resume`` and others.
    Ends: with version 1.0.
    """
    if not any(isinstance(finder, _MovedModules) for finder in sys.meta_path):
        sys.meta_path.append(_MovedModules())


class _MovedModules(MetaPathFinder, Loader):
    """Finds what no other finder has found, so no existing module is ever hidden."""

    def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        return ModuleSpec(name, self) if name in MOVED else None

    def exec_module(self, module: ModuleType) -> None:
        name = module.__name__
        message = f"{name} is now {MOVED[name]}; import it by that name"
        warnings.warn(message, FutureWarning, stacklevel=2)
        sys.modules[name] = import_module(MOVED[name])  # in place of the new empty module
