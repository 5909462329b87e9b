"""Every registered class is exported by its package, and every ``__all__`` is true."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterator
from types import ModuleType

import mmseg.registry
import pytest
from mmengine.registry import Registry

import mtlplugins


def packages() -> Iterator[str]:
    yield "mtlplugins"
    for module in pkgutil.walk_packages(mtlplugins.__path__, "mtlplugins."):
        if module.ispkg:
            yield module.name


def package_of(entry: type) -> ModuleType:
    """Where a user imports it from: transforms have a package of their own."""
    parts = entry.__module__.split(".")
    depth = 3 if parts[1:3] == ["datasets", "transforms"] else 2
    return importlib.import_module(".".join(parts[:depth]))


def registered() -> list[type]:
    """All of ours that configs may name, wherever they are registered."""
    found = set()
    registries = [r for r in vars(mmseg.registry).values() if isinstance(r, Registry)]
    for registry in registries:
        while registry is not None:
            found |= set(registry.module_dict.values())
            registry = registry.parent
    ours = [entry for entry in found if entry.__module__.startswith("mtlplugins.")]
    return sorted(ours, key=lambda entry: entry.__name__)


@pytest.mark.parametrize("name", packages())
def test_all_names_what_is_there(name: str):
    package = importlib.import_module(name)
    names = getattr(package, "__all__", [])
    assert len(set(names)) == len(names)
    missing = [entry for entry in names if not hasattr(package, entry)]
    assert missing == []


def test_what_is_imported_into_a_package_is_in_its_all():
    for name in packages():
        package = importlib.import_module(name)
        own = {
            key
            for key, value in vars(package).items()
            if getattr(value, "__module__", "").startswith("mtlplugins.")
            and not isinstance(value, ModuleType)
            and not key.startswith("_")
        }
        source = inspect.getsource(package)
        own = {key for key in own if not re.search(rf"^{key}\(", source, re.MULTILINE)}  # called
        if hasattr(package, "__all__"):
            assert own <= set(package.__all__), name


def test_what_configs_name_is_exported_by_its_package():
    entries = registered()
    assert len(entries) > 60
    hidden = []
    for entry in entries:
        package = package_of(entry)
        name = entry.__name__
        if getattr(package, name, None) is not entry or name not in package.__all__:
            hidden.append(f"{package.__name__}: {name}")
    assert hidden == []
