"""Damage to a checkpoint is detected before it is loaded."""

from __future__ import annotations

from pathlib import Path

import torch

from mtlplugins.io.integrity import find_damage


def test_no_bit_of_the_directory_changes_a_tensor(tmp_path: Path) -> None:
    path = tmp_path / "a.pth"
    state = dict(a=torch.arange(5.0), b=torch.arange(3))
    torch.save(state, path)
    data = path.read_bytes()
    seen = 0
    for bit in range(8 * data.index(b"PK\x01\x02"), 8 * len(data)):
        changed = bytearray(data)
        changed[bit // 8] ^= 1 << bit % 8
        path.write_bytes(changed)
        if find_damage(path):
            seen += 1
            continue
        found = torch.load(path, weights_only=True)
        assert all(torch.equal(found[key], state[key]) for key in state), bit
    assert seen > 1000


def test_files_of_other_formats_are_not_judged(tmp_path: Path) -> None:
    path = tmp_path / "old.pth"
    torch.save({"a": torch.ones(2)}, path, _use_new_zipfile_serialization=False)
    assert find_damage(path) is None
