from __future__ import annotations

import ast
import sys
from importlib.metadata import packages_distributions
from itertools import chain
from pathlib import Path

import pytest
import setuptools
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import mtlplugins

ROOT = Path(__file__).resolve().parents[1]
FLAVOURS = {"mmcv"}  # mmcv or mmcv-lite: the user's choice, an extra


@pytest.fixture(scope="module")
def distribution() -> setuptools.Distribution:
    """What setup.py says, without building anything."""
    from distutils.core import run_setup

    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        return run_setup("setup.py", stop_after="init")


def third_party_imports() -> set[str]:
    found = set()
    for path in (ROOT / "mtlplugins").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                found.add(node.module.split(".")[0])
    return found - set(sys.stdlib_module_names) - {"mtlplugins"}


def test_version_and_packages(distribution: setuptools.Distribution) -> None:
    assert distribution.get_name() == "mtlplugins"
    assert distribution.get_version() == mtlplugins.__version__
    folders = {path.parent for path in (ROOT / "mtlplugins").rglob("*.py")}
    expected = {".".join(folder.relative_to(ROOT).parts) for folder in folders}
    assert set(distribution.packages) == expected  # a folder without __init__.py would be lost


def test_every_import_is_required(distribution: setuptools.Distribution) -> None:
    required = {canonicalize_name(Requirement(r).name) for r in distribution.install_requires}
    providers = packages_distributions()
    imports = third_party_imports()
    assert "torch" in imports
    for name in imports - FLAVOURS:
        assert required & {canonicalize_name(p) for p in providers[name]}, name


@pytest.mark.parametrize("python", ["3.10", "3.11", "3.12", "3.13"])
def test_lock_satisfies_every_requirement(
    distribution: setuptools.Distribution, python: str
) -> None:
    lines = (ROOT / "requirements" / "lock.txt").read_text(encoding="utf-8").splitlines()
    pins = [Requirement(line) for line in lines if not line.startswith("#")]
    environment = {"python_version": python, "platform_system": "Linux"}
    locked = {}
    for pin in pins:
        if pin.marker is None or pin.marker.evaluate(environment):
            assert pin.name not in locked, f"{pin.name} is pinned twice for Python {python}"
            locked[pin.name] = next(iter(pin.specifier)).version
    wanted = [*distribution.install_requires, *chain(*distribution.extras_require.values())]
    for requirement in map(Requirement, wanted):
        assert requirement.specifier.contains(locked[canonicalize_name(requirement.name)])
