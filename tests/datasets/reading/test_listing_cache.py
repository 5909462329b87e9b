from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from mmengine.logging import MMLogger

from mtlplugins.datasets.reading import listing_cache
from mtlplugins.datasets.reading.listing_cache import ListingCache

AGES = iter(range(10**9, 2 * 10**9))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "images"
    folder.mkdir()
    add(folder, "b.png", "a.png", "c d.png", "a.txt")
    return folder


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The folders that have been read."""
    folders = []

    def listdir(folder: Path) -> list[str]:
        folders.append(Path(folder))
        return [path.name for path in Path(folder).iterdir()]

    monkeypatch.setattr(listing_cache, "listdir", listdir)
    return folders


def add(folder: Path, *names: str) -> None:
    """Add files as if long ago, but later than those before."""
    for name in names:
        (folder / name).touch()
    os.utime(folder, (0, next(AGES)))


def listed(tmp_path: Path, *folders: Path, suffix: str = ".png") -> list[list[str]]:
    """What a new start finds."""
    cache = ListingCache(tmp_path / "cache" / "list.json")
    names = [cache.names(folder, suffix) for folder in folders]
    cache.save()
    return names


def test_what_is_listed(tmp_path: Path, folder: Path) -> None:
    assert listed(tmp_path, folder, tmp_path / "nowhere") == [["a", "b", "c d"], []]
    assert listed(tmp_path, folder, suffix=".txt") == [["a"]]
    assert listed(tmp_path, folder, suffix=".jpg") == [[]]
    assert listed(tmp_path, folder, suffix=".jpg") == [[]]
    assert [path.name for path in (tmp_path / "cache").iterdir()] == ["list.json"]


def test_a_folder_is_read_again_when_it_has_changed(
    tmp_path: Path, folder: Path, read: list[Path]
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    add(other)
    for _ in range(3):
        assert listed(tmp_path, folder, other) == [["a", "b", "c d"], []]
    assert read == [folder, other]
    add(folder, "e.png")
    for _ in range(2):
        assert listed(tmp_path, folder, other) == [["a", "b", "c d", "e"], []]
    assert read == [folder, other, folder]


def test_a_folder_that_is_being_filled_is_not_remembered(
    tmp_path: Path, folder: Path, read: list[Path]
) -> None:
    (folder / "e.png").touch()  # now
    for _ in range(2):
        assert listed(tmp_path, folder) == [["a", "b", "c d", "e"]]
    assert read == [folder] * 2


def test_a_damaged_file_is_made_anew(tmp_path: Path, folder: Path) -> None:
    expected = listed(tmp_path, folder)
    file = tmp_path / "cache" / "list.json"
    good = file.read_text()
    assert len(json.loads(good)) == 1
    for content in ("", good[:20], "[]", '{"a": 3}', '{"a": [1, 2, 3]}', "\x00"):
        file.write_text(content)
        assert listed(tmp_path, folder) == expected
        assert file.read_text() == good


def test_where_nothing_can_be_kept_it_says_so(
    tmp_path: Path, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    logger = MMLogger.get_instance("listing")
    logger.addHandler(caplog.handler)
    (tmp_path / "cache").touch()
    assert listed(tmp_path, folder) == [["a", "b", "c d"]]
    logger.removeHandler(caplog.handler)
    assert "cannot keep the list of files in" in caplog.text
