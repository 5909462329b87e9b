from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests._data import make_nyuv2
from tests.tools.command import ROOT, run_tool


def check(monkeypatch: pytest.MonkeyPatch, root: Path, out: Path, *options: object) -> None:
    config = ROOT / "configs" / "nyuv2" / "resnet18_scratch_nyuv2.py"
    arguments = ("--cfg-options", f"data_root={root}", "--out", out, *options)
    run_tool(monkeypatch, "analysis/check_dataset.py", config, *arguments)


def test_whole_data_pass(tmp_path: Path, monkeypatch, capsys) -> None:
    root = make_nyuv2(tmp_path / "nyuv2")
    check(monkeypatch, root, tmp_path / "out", "--workers", 2)
    shown = capsys.readouterr()
    assert "train: 2 images of NYUv2Dataset" in shown.out
    assert "0 errors, 0 warnings" in shown.out
    assert "4/4 images" in shown.err
    assert "\r" not in shown.err  # this is no terminal
    assert (tmp_path / "out" / "report.txt").read_text() in shown.out


def test_nothing_is_read_before_the_report_has_a_place(tmp_path: Path, monkeypatch, capsys) -> None:
    root = make_nyuv2(tmp_path / "nyuv2")
    out = tmp_path / "out"
    out.write_text("a file")
    with pytest.raises(FileExistsError, match="out"):
        check(monkeypatch, root, out, "--workers", 0)
    out.unlink()
    monkeypatch.setattr("os.access", lambda path, mode: False)
    with pytest.raises(PermissionError, match=r"--out .*out: nothing may be written .*another"):
        check(monkeypatch, root, out, "--workers", 0)
    assert "images" not in capsys.readouterr().err


def test_errors_set_the_exit_status(tmp_path: Path, monkeypatch, capsys) -> None:
    root = make_nyuv2(tmp_path / "nyuv2")
    (root / "depth" / "0001.png").write_bytes(b"")
    with pytest.raises(RuntimeError, match="exited with 1"):
        check(monkeypatch, root, tmp_path / "out", "--workers", 0)
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert report["errors"] == 1
    assert report["problems"][0]["kind"] == "target of depth"
    assert "depth/0001.png: cannot be read (it is empty)" in capsys.readouterr().out
    assert (tmp_path / "out" / "images" / "01_0001.png").is_file()
