from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults._in_process import quick_starts, run
from tests.faults.bad_inputs import write_workshop


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Configs, data and a run of ``rooms.py`` in ``work``: to be copied, not touched."""
    folder = tmp_path_factory.mktemp("workshop")
    write_workshop(folder)
    with quick_starts(), pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert run("train.py rooms.py --work-dir work", patch) is None
        yield folder


@pytest.fixture
def folder(workshop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the workshop, which is the current folder."""
    copy = tmp_path / "workshop"
    shutil.copytree(workshop, copy)
    monkeypatch.chdir(copy)
    return copy
