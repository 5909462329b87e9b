from __future__ import annotations

import argparse
import os

import pytest

import mtlplugins  # noqa: F401, names words that are not KEY=VALUE
from mtlplugins.common.arguments import add_cfg_options, add_launcher, parse_cfg_options


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser()
    add_cfg_options(made)
    add_launcher(made)
    return made


def test_values_by_dotted_key() -> None:
    args = parser().parse_args(["--cfg-options", "a.b=2", "c=[x,(1,2)]", "d=None"])
    assert args.cfg_options == {"a.b": 2, "c": ["x", (1, 2)], "d": None}
    assert parser().parse_args([]).cfg_options is None


def test_a_word_that_is_no_pair_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parser().parse_args(["--cfg-options", "a=1", "b"])
    assert "'b' is not KEY=VALUE" in capsys.readouterr().err


def test_options_that_a_tool_hands_on() -> None:
    assert parse_cfg_options(["a.b=2"]) == {"a.b": 2}
    assert parse_cfg_options([]) == {}


@pytest.mark.parametrize(
    ("given", "before", "after"),
    [
        ([], None, "0"),
        (["--local_rank", "3"], None, "3"),
        (["--local-rank=3"], None, "3"),
        (["--local_rank", "3"], "5", "5"),  # torchrun has said so already
        ([], "5", "5"),
    ],
)
def test_local_rank_reaches_mmengine(
    given: list[str], before: str | None, after: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOCAL_RANK", before or "")
    if before is None:
        monkeypatch.delenv("LOCAL_RANK")
    args = parser().parse_args(given)
    assert os.environ["LOCAL_RANK"] == after
    assert (args.launcher, args.local_rank) == ("none", 3 if given else 0)
