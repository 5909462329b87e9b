from __future__ import annotations

import io

import pytest

from mtlplugins.analysis.data_check.progress import Progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def run(stream: io.StringIO, total: int, step: int) -> str:
    progress = Progress(total, "images", stream)
    for done in range(0, total, step):
        progress.advance(min(step, total - done), note="train")
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
    assert written.startswith("\r16/100000 images")
    assert written.rstrip().endswith("(train)")
    assert "\r100000/100000 images" in written
    assert written.count("\n") == 1
    assert written.count("\r") < 50  # not one per step


def test_nowhere_and_nothing() -> None:
    progress = Progress(0, "images", None)
    progress.advance(0)
    progress.close()
    assert run(io.StringIO(), 0, 1) == ""
