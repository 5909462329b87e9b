"""Every command of the documentation is one that exists and takes these arguments."""

from __future__ import annotations

import re
from glob import glob
from pathlib import Path

import pytest
from PIL import Image

from mtlplugins import cli
from mtlplugins.rooms.renderer import render_room
from tests.tools.command import run_tool

from .commands import (
    Parsed,
    arguments,
    commands,
    make_targets,
    parse_as_tool,
    unknown_packages,
)
from .pages import ROOT, Block, blocks, blocks_of

SHELL = blocks("bash", "sh", "console")
COMMANDS = sorted({command for block in SHELL for command in commands(block.text)})


def test_there_are_commands() -> None:
    assert len(SHELL) > 20
    assert len(COMMANDS) > 40


def test_code_blocks_say_their_language() -> None:
    unnamed = [block for block in blocks("") if re.search(r"^(python|pip|make) ", block.text, re.M)]
    assert unnamed == []


@pytest.mark.parametrize("command", COMMANDS)
def test_commands(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    words = arguments(command)
    if words[0] == "make":
        targets = {word for word in words[1:] if "=" not in word}
        assert targets
        assert targets <= make_targets()
    elif words[:2] == ["pip", "install"]:
        assert list(unknown_packages(words)) == []
    elif words[0].endswith(".sh"):
        script = ROOT / words[0]
        assert script.stat().st_mode & 0o111
        assert len(words) > 1
    elif words[:2] == ["python", "-m"]:
        assert (ROOT / f"{words[2].replace('.', '/')}.py").exists()
    else:
        assert (words[0] == "mtlplugins" and words[1] in cli.COMMANDS) or (
            words[0] == "python" and (ROOT / words[1]).exists()
        )
        with pytest.raises(Parsed):
            parse_as_tool(words, monkeypatch)


def test_commands_are_split() -> None:
    block = Block("a.md", 1, "bash", "")
    text = (
        "for a in 1 2; do for b in x y; do\n    python t.py $b_ ${b}_c --n $a \\\n"
        "        --m  # --z\n"
        "done; done\nA=1 make x && pip install -e .[y]\n"
    )
    assert commands(text) == ["python t.py $b_ x_c --n 1 --m", "A=1 make x", "pip install -e .[y]"]
    assert arguments("A=1 B=2 make x") == ["make", "x"]
    assert str(block) == "a.md:1"


def test_wrong_commands_are_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    assert list(unknown_packages(["pip", "install", "-e", ".[lite]", ".[none]", "no-such"])) == [
        ".[none]",
        "no-such",
    ]
    with pytest.raises(SystemExit, match="2"):
        parse_as_tool(["mtlplugins", "train", "a.py", "--no-such-option"], monkeypatch)


#: What makes the tools of the page on the first run quick.
SMALL = [
    f"{part}_dataloader.{key}"
    for part in ("train", "val", "test")
    for key in ("dataset.length=8", "num_workers=0", "persistent_workers=False")
]
TAKE_OPTIONS = ("train.py", "test.py", "blind_baseline.py", "task_embeddings.py")


@pytest.mark.slow
def test_the_first_run_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "configs").symlink_to(ROOT / "configs")
    (tmp_path / "folder").mkdir()
    for name in ("photo.jpg", "folder/another.jpg"):
        Image.fromarray(render_room(0, len(name), size=(64, 96)).image).save(name)
    page = (ROOT / "docs/first_run.md").read_text()
    run = [c for b in blocks_of("", page, ("bash",)) for c in commands(b.text)]
    scripts = [arguments(command)[1:] for command in run if command.startswith("python tools/")]
    assert len(scripts) > 6
    for script, *words in scripts:
        paths = [p for word in words for p in (sorted(glob(word)) if "*" in word else [word])]
        options = ["--cfg-options", *SMALL] if script.endswith(TAKE_OPTIONS) else []
        monkeypatch.syspath_prepend((ROOT / script).parent)
        run_tool(monkeypatch, script.removeprefix("tools/"), *paths, *options)
    for made in ("panels", "predictions", "out", "results/results.html"):
        assert (tmp_path / made).exists()
