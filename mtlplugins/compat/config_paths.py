"""Configs that inherit from an installed package (``_base_ = "mmseg::..."``)."""

from __future__ import annotations

from collections.abc import Callable
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from pathlib import Path

from mmengine.config import Config
from mmengine.config import config as mmengine_config
from mmengine.config.utils import MODULE2PACKAGE

from mtlplugins.common.shipped_configs import PREFIX, shipped_config

from ._replace import replace_once


def find_packages_without_pkg_resources() -> None:
    """Let configs find their bases without ``pkg_resources``.

    Breaks: ``_base_ = "mmseg::..."`` and ``read_base`` from another package: MMEngine looks the
    package up with ``pkg_resources``, which fails with a ModuleNotFoundError that names neither
    the config nor the cure. It also looks up the name of the distribution, so a fork under another
    name is not found.
    Since: setuptools 82, which dropped ``pkg_resources``; Python 3.12, whose environments come
    without setuptools.
    Ends: when MMEngine looks packages up with importlib.
    """
    replace_once(mmengine_config, "is_installed", lambda original: _is_installed)
    replace_once(mmengine_config, "get_installed_path", lambda original: _installed_path)


def find_configs_of_this_package() -> None:
    """Let configs inherit from those of this package: ``_base_ = "mtlplugins::NAME.py"``.

    Breaks: MMEngine refuses every package outside its own list ("mmengine does not support to load
    mtlplugins config"), and a name without a folder.
    Since: every MMEngine up to 0.10.7.
    Ends: when MMEngine accepts any installed package.
    """
    replace_once(Config, "_get_cfg_path", _own_or_original)


def _own_or_original(original: Callable) -> Callable:
    def _get_cfg_path(cfg_path: str, filename: str) -> tuple[str, str | None]:
        if cfg_path.startswith(PREFIX):
            # no scope, like a base given by path: our modules are registered in mmseg's registries
            return str(shipped_config(cfg_path)), None
        return original(cfg_path, filename)

    return _get_cfg_path


def _spec(package: str) -> ModuleSpec | None:
    """Find the module of a package by its name in MMEngine (such as ``mmsegmentation``)."""
    modules = {name: module for module, name in MODULE2PACKAGE.items()}
    return find_spec(modules.get(package, package))


def _is_installed(package: str) -> bool:
    spec = _spec(package)
    return spec is not None and spec.origin is not None


def _installed_path(package: str) -> str:
    spec = _spec(package)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(f"A config inherits from {package}, which is not installed.")
    return str(Path(spec.origin).parent)
