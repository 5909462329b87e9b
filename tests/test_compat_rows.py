"""The rows of ``make test-compat`` fit the package; environments see the right versions."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
COMPAT = runpy.run_path(str(ROOT / "requirements" / "compat.py"))


def test_every_part_of_the_core_exists() -> None:
    assert COMPAT["CORE"]
    for part in COMPAT["CORE"]:
        path, _, test = part.partition("::")
        assert (ROOT / path).exists(), part
        name, _, config = test.removesuffix("]").partition("[")
        assert not name or f"def {name}(" in (ROOT / path).read_text(encoding="utf-8"), part
        assert not config or (ROOT / "configs" / config).exists(), part


def test_the_oldest_are_those_that_the_package_allows() -> None:
    setup = (ROOT / "setup.py").read_text(encoding="utf-8")
    oldest = re.search(r'"torch>=([\d.]+)"', setup)[1]
    rows = COMPAT["FACTORS"]
    assert f"torch=={oldest}." in " ".join(word for row in rows for word in row.install)
    pythons = [row.python for row in rows if row.python]
    assert pythons[0] == re.search(r'python_requires=">=([\d.]+)"', setup)[1]
    assert pythons == ["3.10", "3.11", "3.12", "3.13"]


def test_the_lock_has_opencv_5_and_a_row_opencv_4() -> None:
    assert "\nopencv-python==5." in (ROOT / "requirements/lock.txt").read_text(encoding="utf-8")
    assert "opencv-python<5" in [word for row in COMPAT["FACTORS"] for word in row.install]


def test_an_environment_sees_all_but_what_changes(tmp_path: Path) -> None:
    owned = {
        "torch": ["torch/__init__.py", "shared/torch.py"],
        "nvidia-cudnn": ["nvidia/cudnn.so", "../../bin/tool"],
        "Kept_One": ["kept/__init__.py", "shared/kept.py", "__pycache__/kept.pyc"],
    }
    for name, files in owned.items():
        info = f"{name.replace('-', '_')}-1.0.dist-info"
        for file in (*files, f"{info}/METADATA"):
            (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
            if ".." not in file:
                (tmp_path / file).write_text(f"Name: {name}\nVersion: 1.0\n")
        record = "".join(f"{file},,\n" for file in (*files, f"{info}/METADATA", f"{info}/RECORD"))
        (tmp_path / info / "RECORD").write_text(record)
    (tmp_path / "owned_by_nobody.pth").touch()
    kept = [e.name for e in COMPAT["kept_entries"](tmp_path, ("torch", "nvidia-*"))]
    assert kept == ["Kept_One-1.0.dist-info", "kept", "owned_by_nobody.pth", "shared"]


def test_a_name_that_is_no_row_is_said(capsys) -> None:
    with pytest.raises(SystemExit, match="There is no row torch 9; --list prints the names"):
        COMPAT["main"](["torch 9"])
    assert COMPAT["main"](["--list"]) == 0
    assert "torch newest\n" in capsys.readouterr().out
