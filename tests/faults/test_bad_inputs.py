"""Every input of the catalogue is refused with an error that names it and the way out."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults._in_process import run
from tests.faults.bad_inputs import CATALOGUE, BadInput

pytestmark = [
    pytest.mark.faults,
    pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning"),
]

FINE = (
    "train.py mine.py",
    "train.py mixed.py",
    "train.py resnet.py",
    "train.py vit.py --cfg-options model.backbone.out_type=featmap",
    "train.py cifar.py --cfg-options data_root=cifar train_cfg.max_epochs=1",
    "analysis/check_dataset.py mine.py --workers 0",
    "predict.py photo.png --config rooms.py --checkpoint work/epoch_1.pth --out out",
    "test.py rooms.py work/epoch_1.pth",
    "analysis/results.py work --no-panels",
)


@pytest.mark.parametrize("command", FINE)
def test_what_is_spoilt_below_is_fine(command: str, folder: Path, monkeypatch, capsys) -> None:
    assert run(command, monkeypatch, capsys) is None


@pytest.mark.parametrize("entry", CATALOGUE, ids=[entry.name for entry in CATALOGUE])
def test_a_bad_input_is_named(entry: BadInput, folder: Path, monkeypatch, capsys) -> None:
    if entry.change is not None:
        entry.change(folder)
    message = run(entry.command, monkeypatch, capsys)
    assert message is not None, "it went through"
    assert len(message.split()) > 3, "it says as little as KeyError: 'x'"
    for words in entry.words:
        assert words in message


def test_the_catalogue_is_long_and_of_different_things() -> None:
    assert len(CATALOGUE) >= 60
    assert len({entry.name for entry in CATALOGUE}) == len(CATALOGUE)
    assert all(words for entry in CATALOGUE for words in entry.words)
