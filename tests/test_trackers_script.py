"""``requirements/trackers.py`` sees what a tracker wrote, and what it did not."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from tests.test_packaging import ROOT


@pytest.fixture
def trackers(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(str(ROOT / "requirements"))
    import trackers

    return trackers


def test_every_reader_is_code_and_every_config_can_be_written(trackers) -> None:
    assert len(trackers.TRACKERS) == 7
    for tracker in trackers.TRACKERS:
        compile(tracker.read, tracker.name, "exec")
        text = trackers.CONFIG.format(imports=["mtlplugins"], backends=tracker.backend)
        compile(text, tracker.name, "exec")


def test_files_are_searched_for_scalars_panels_and_config(
    trackers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    monkeypatch.chdir(tmp_path)

    def found() -> list[str]:
        exec(trackers.in_files(".json"), {})
        return capsys.readouterr().out.split()

    (tmp_path / "a.txt").write_text("depth_loss SegmentationHead")  # another kind of file
    assert found() == []
    (tmp_path / "a.json").write_text('{"depth_loss": 1, "semantic\\/mIoU": 2}')
    (tmp_path / "vis_image").mkdir()
    (tmp_path / "vis_image" / "val_0.png").touch()  # MMEngine's own
    assert found() == ["depth_loss", "semantic/mIoU"]
    (tmp_path / "val_0.png").touch()
    with zipfile.ZipFile(tmp_path / "b.zip", "w") as archive:
        archive.writestr("c.json", "SegmentationHead")
    assert found() == ["panel", "depth_loss", "semantic/mIoU", "config"]
