"""``mtlplugins figure`` on the work dirs of runs."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from PIL import Image

from mtlplugins.apis import figure
from tests.web.tiny import tiny_config, write_checkpoint


@pytest.fixture(scope="module")
def work_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    config = tiny_config()
    log = folder / "20260101_000000" / "vis_data"
    log.mkdir(parents=True)
    config.dump(log / "config.py")
    (log / "scalars.json").write_text('{"epoch": 1, "iter": 1, "step": 1, "depth_loss": 1.0}\n')
    write_checkpoint(config, folder / "epoch_1.pth")
    (folder / "last_checkpoint").write_text("epoch_1.pth")
    return folder


def run(monkeypatch: pytest.MonkeyPatch, *words: object) -> None:
    monkeypatch.setattr(sys, "argv", ["mtlplugins figure", *map(str, words)])
    figure.main()


def test_a_figure_of_two_models(
    work_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = ("--images", 1, "--names", "A", "B", "--errors", "--device", "cpu", "--out")
    run(monkeypatch, work_dir, work_dir, *options, tmp_path / "new" / "a.pdf")
    assert (tmp_path / "new" / "a.pdf").read_bytes().startswith(b"%PDF")
    run(monkeypatch, work_dir, "--images", 1, "--tasks", "depth", "--out", tmp_path / "a.png")
    narrow = Image.open(tmp_path / "a.png").width
    run(
        monkeypatch,
        work_dir,
        work_dir,
        *options[:2],
        "--tasks",
        "depth",
        "--out",
        tmp_path / "b.png",
    )
    # one tile of 1.25 inches' area at 3:2, and a gap, at 300 dots per inch
    assert Image.open(tmp_path / "b.png").width - narrow == pytest.approx(
        300 * (1.25 * 1.5**0.5 + 0.06), abs=2
    )


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (dict(names=["a", "b"]), "2 names for 1 work dirs"),
        (dict(images=[10**6]), "1000000 is not in the"),
        (dict(tasks=["normls"]), "no model has 'normls', only"),
    ],
)
def test_what_does_not_fit_is_named(work_dir: Path, words: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        figure.draw_figure([work_dir], device="cpu", **words)


def test_other_files_are_refused_before_anything_is_loaded(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        run(monkeypatch, "missing", "--out", "figure.jpg")
    assert "give a name that ends with .png, .pdf, .svg" in capsys.readouterr().err
