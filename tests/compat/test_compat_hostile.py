from __future__ import annotations

import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from mmengine.logging import HistoryBuffer

from mtlplugins.compat import checkpoints
from tests.compat.small_runner import load, make_runner


class Call:
    """Pickles as a call of ``function``; unpickling without a guard runs it."""

    def __init__(self, function: Callable, *args: Any, state: Any = None) -> None:
        self.reduced = (function, args) if state is None else (function, args, state)

    def __call__(self) -> None:
        """Only here because pickle wants what it calls to be callable."""

    def __reduce__(self) -> tuple:
        return self.reduced


WRITE = "__import__('pathlib').Path({!r}).touch()"
HOSTILE: dict[str, Callable[[str], Any]] = {
    "os.system": lambda path: Call(os.system, f"touch {path}"),
    "eval": lambda path: Call(eval, WRITE.format(path)),
    "type": lambda path: Call(type, "Made", (), {}),
    "globals of a method": lambda path: Call(getattr, HistoryBuffer.min, "__globals__"),
    "os.system through getattr": lambda path: Call(
        Call(getattr, Call(Call(getattr, HistoryBuffer.min, "__globals__"), "os"), "system"), path
    ),
    "getattr of a class": lambda path: Call(getattr, HistoryBuffer, "__subclasses__"),
    "getattr of another class": lambda path: Call(getattr, torch.Tensor, "min"),
    "getattr of a method not listed": lambda path: Call(
        getattr, HistoryBuffer, "register_statistics"
    ),
    "getattr of a string": lambda path: Call(getattr, "{0.__class__}", "format"),
    "getattr of a list": lambda path: Call(getattr, [], "append"),
    "getattr with a list": lambda path: Call(getattr, HistoryBuffer, ["min"]),
    "call of a listed method": lambda path: Call(HistoryBuffer.min, HistoryBuffer([1], [1])),
    "array over raw pointers": lambda path: Call(np.ndarray, (1,), "O", b"A" * 8),
    "array of objects": lambda path: np.array([None]),
    "objects without their flag": lambda path: Call(
        np.dtype, "O8", False, True, state=(3, "|", None, None, None, -1, -1, 0)
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("zipped", [True, False])
def test_hostile_checkpoint_is_refused(name: str, zipped: bool, tmp_path: Path) -> None:
    trace, path = tmp_path / "trace", tmp_path / "hostile.pth"
    torch.save(
        {"state_dict": {}, "meta": {"x": HOSTILE[name](str(trace))}},
        path,
        _use_new_zipfile_serialization=zipped,
    )
    with pytest.raises(pickle.UnpicklingError, match=r"hostile\.pth was not loaded"):
        load(path)
    assert not trace.exists()
    with pytest.raises(pickle.UnpicklingError):
        torch.load(path, weights_only=True)
    assert not trace.exists()


@pytest.mark.parametrize("name", ["os.system", "eval"])
def test_the_hostile_checkpoints_are_hostile(name: str, tmp_path: Path) -> None:
    trace, path = tmp_path / "trace", tmp_path / "hostile.pth"
    torch.save(HOSTILE[name](str(trace)), path)
    torch.load(path, weights_only=False)
    assert trace.exists()


def test_environment_and_url_cannot_switch_the_guard_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", "1")
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    cached = tmp_path / "hub" / "checkpoints" / "hostile.pth"  # as if downloaded before
    cached.parent.mkdir(parents=True)
    torch.save(Call(os.system, f"touch {tmp_path / 'trace'}"), cached)
    for path in (str(cached), "https://example.invalid/hostile.pth"):
        with pytest.raises(pickle.UnpicklingError, match="was not loaded"):
            load(path)
    assert not (tmp_path / "trace").exists()
    assert os.environ["TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD"] == "1"
    assert "TORCH_FORCE_WEIGHTS_ONLY_LOAD" not in os.environ


def test_number_type_with_false_flags_is_plain(tmp_path: Path) -> None:
    flags = (3, "<", None, None, None, -1, -1, 63)
    torch.save(Call(np.dtype, "f8", False, True, state=flags), tmp_path / "dtype.pth")
    loaded = load(tmp_path / "dtype.pth")
    assert loaded is np.dtype("f8")
    assert loaded.flags == 0


def test_loaded_array_is_filled_only_once() -> None:
    array = checkpoints._LoadedArray()
    state = (1, (2,), np.dtype("f8"), False, np.array([1.0, 2.0]).tobytes())
    array.__setstate__(state)
    with pytest.raises(pickle.UnpicklingError, match="filled twice"):
        array.__setstate__(state)


def test_resuming_does_not_run_the_config_in_a_checkpoint(tmp_path: Path) -> None:
    make_runner(tmp_path / "first", by_epoch=True).train()
    path = str(tmp_path / "first" / "epoch_1.pth")
    checkpoint = load(path)
    checkpoint["meta"]["config"] = WRITE.format(str(tmp_path / "trace"))
    torch.save(checkpoint, path)
    again = make_runner(tmp_path / "again", by_epoch=True, resume=True, load_from=path)
    again.train()
    assert again.iter == 8
    assert not (tmp_path / "trace").exists()
