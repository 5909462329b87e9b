from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
import sysconfig
from importlib.metadata import packages_distributions
from itertools import chain
from pathlib import Path

import pytest
import setuptools
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import mtlplugins

ROOT = Path(__file__).resolve().parents[1]
#: mmcv or mmcv-lite, the user's choice; Triton, which comes with PyTorch where it has GPUs.
FLAVOURS = {"mmcv", "triton"}


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
    # of export, file formats, shards and serve alone, which say so where they are missing
    lazy = ("export", "formats", "shards", "web")
    extra = {Requirement(r).name for name in lazy for r in distribution.extras_require[name]}
    assert extra < imports
    for name in imports - FLAVOURS - extra:
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


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with a built wheel in it, which sees the packages that it requires."""
    folder = tmp_path_factory.mktemp("wheel")
    tree = folder / "tree"  # a build leaves files beside setup.py
    for name in ("mtlplugins", "configs", "tools"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, tree / name, ignore=ignored)
    for name in ("setup.py", "MANIFEST.in", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tree)
    pip = (sys.executable, "-m", "pip")
    offline = ("--quiet", "--no-deps", "--no-index", "--disable-pip-version-check")
    call(*pip, "wheel", *offline, "--no-build-isolation", "-w", folder, tree, cwd=folder)
    call(sys.executable, "-m", "venv", "--without-pip", folder / "venv", cwd=folder)
    wheel = next(folder.glob("*.whl"))
    python = folder / "venv/bin/python"
    call(*pip, "--python", python, "install", *offline, wheel, cwd=folder)
    # a line of a .pth is a folder to search; the .pth files in there, ours among them, are not read
    packages = next(folder.glob("venv/lib/*/site-packages"))
    (packages / "required.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return folder


def call(*command: object, cwd: Path) -> str:
    """Run a command that knows nothing of this checkout."""
    environment = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV")}
    environment["PIP_REQUIRE_VIRTUALENV"] = "0"
    done = subprocess.run(
        [*map(str, command)], cwd=cwd, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_wheel_brings_configs_tools_and_types(installed: Path) -> None:
    package = next(installed.glob("venv/lib/*/site-packages/mtlplugins"))
    assert (package / "py.typed").is_file()
    for folder in ("configs", "tools"):
        there = files_below(ROOT / folder)
        assert files_below(package / ".mim" / folder) == there
        assert len(there) > 20


def files_below(folder: Path) -> set[str]:
    """Relative names of the files, without what was compiled of them."""
    files = (p for p in folder.rglob("*") if p.is_file() and p.suffix != ".pyc")
    return {str(p.relative_to(folder)) for p in files}


@pytest.mark.slow
def test_an_installed_wheel_finds_its_configs_and_commands(installed: Path) -> None:
    (installed / "mine.py").write_text(
        "_base_ = 'mtlplugins::swin_cond_nyuv2.py'\n"
        "model = dict(heads=dict(depth=dict(max_depth=5)))\n"
    )
    code = (
        "import mtlplugins\n"
        "from mtlplugins.apis import load_config\n"
        "cfg = load_config('mine.py')\n"
        "print(mtlplugins.__file__, cfg.model.backbone.type, cfg.model.heads.depth.max_depth)\n"
        "print(load_config('mtlplugins::rooms/demo.py').filename)\n"
    )
    python = installed / "venv/bin/python"
    first, second = call(python, "-c", code, cwd=installed).splitlines()[-2:]
    package = next(installed.glob("venv/lib/*/site-packages/mtlplugins"))
    assert first == f"{package / '__init__.py'} CondSwinTransformer 5"
    assert second == str(package / ".mim/configs/rooms/demo.py")
    assert "check-data" in call(installed / "venv/bin/mtlplugins", "--help", cwd=installed)
    help_text = call(installed / "venv/bin/mtlplugins", "test", "--help", cwd=installed)
    assert help_text.startswith("usage: mtlplugins test ")
