from __future__ import annotations

import io

import pytest

from mtlplugins.common.progress import Progress, track


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def run(stream: io.StringIO, total: int, step: int) -> str:
    progress = Progress(total, "images", stream)
    for done in range(0, total, step):
        progress.advance(min(step, total - done), note=lambda: "train")
    progress.close()
    return stream.getvalue()


@pytest.mark.parametrize(("total", "step"), [(100_000, 16), (1_000, 1)])
def test_a_log_gets_a_line_per_tenth(total: int, step: int) -> None:
    lines = run(io.StringIO(), total, step).splitlines()
    assert len(lines) == 11
    assert lines[0].startswith(f"{step}/{total} images, ")
    assert lines[-1].startswith(f"{total}/{total} images, ")
    assert not any("\r" in line for line in lines)
    assert lines[3].endswith("(train)")


def test_a_terminal_gets_one_line() -> None:
    written = run(Terminal(), 100_000, 16)
    assert written.startswith(f"\r[{' ' * 20}] 16/100000 images")
    assert written.rstrip().endswith("(train)")
    assert f"\r[{'=' * 20}] 100000/100000 images" in written
    assert written.count("\n") == 1
    assert written.count("\r") < 50  # not one per step


def test_nowhere_and_nothing() -> None:
    progress = Progress(0, "images", None)
    progress.advance(0)
    progress.close()
    assert run(io.StringIO(), 0, 1) == ""


def test_a_resumed_loop_starts_where_it_stopped() -> None:
    stream = io.StringIO()
    progress = Progress(1_000, "iterations", stream, done=900)
    for _ in range(100):
        progress.advance(1)
    lines = stream.getvalue().splitlines()
    assert [line.split(" ")[0] for line in lines] == ["901/1000", "1000/1000"]


def test_a_slow_loop_reports_in_between(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr("mtlplugins.common.progress.time.monotonic", lambda: now)
    stream = io.StringIO()
    progress = Progress(1_000, "images", stream)
    for _ in range(20):
        now += 60
        progress.advance(1)
    lines = stream.getvalue().splitlines()
    assert [line.split("/")[0] for line in lines] == ["1", "6", "11", "16"]
    assert lines[-1] == "16/1000 images, 0.0167/s, 16:24:00 left"


def test_track_yields_every_item(capsys: pytest.CaptureFixture) -> None:
    assert list(track("abc", "letters")) == ["a", "b", "c"]
    assert capsys.readouterr().err.splitlines()[-1].startswith("3/3 letters")
