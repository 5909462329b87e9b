"""Inputs are not overwritten, under whatever path."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mtlplugins.io.overwrite import refuse_inputs


@pytest.mark.parametrize("name", ["a.png", "below/../a.png", "link.png", "hard.png"])
def test_a_file_of_any_name(tmp_path: Path, name: str) -> None:
    (tmp_path / "below").mkdir()
    read = tmp_path / "a.png"
    read.touch()
    (tmp_path / "link.png").symlink_to(read)
    os.link(read, tmp_path / "hard.png")
    message = rf"--out: .*{Path(name).name} would be written over .*a\.png, .* another --out"
    with pytest.raises(ValueError, match=message):
        refuse_inputs([tmp_path / "new.png", tmp_path / name], [tmp_path / "b.png", read])


def test_what_is_not_there_or_not_read_is_written(tmp_path: Path) -> None:
    (tmp_path / "old.png").touch()
    (tmp_path / "a.png").touch()
    outputs = [tmp_path / "new.png", tmp_path / "old.png", tmp_path / "a\0b.png"]
    refuse_inputs(outputs, [tmp_path / "a.png", tmp_path / "gone.png", "a\0b"])
    with pytest.raises(ValueError, match=r"a\.png would be written over"):
        refuse_inputs([*outputs, tmp_path / "a.png"], [tmp_path / "a.png"])
