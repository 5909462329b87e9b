"""Stopped runs resume as if they had not been stopped."""

from __future__ import annotations

import copy
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from mmengine.runner import Runner

from mtlplugins.common.randomness import seeded
from mtlplugins.engine import CheckResumeHook
from tests.engine.resume._stopping import At, Killed, kill, make_run, terminate, weights


@pytest.fixture(autouse=True)
def _signals_of_a_terminal() -> Iterator[None]:
    """As a shell starts a command, wherever the tests were started."""
    usual = {signal.SIGINT: signal.default_int_handler, signal.SIGHUP: signal.SIG_DFL}
    before = {number: signal.signal(number, handler) for number, handler in usual.items()}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


ENDLESS = dict(iterations=12)
EPOCHS_BY_ITERATIONS = dict(iterations=12, endless=False)


@pytest.fixture(scope="module")
def straight(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[torch.Tensor]]:
    """What runs end with that nobody stops."""
    ends = {}
    for name, kind in (("epochs", {}), ("endless", ENDLESS)):
        runner = make_run(tmp_path_factory.mktemp(name), **kind)
        runner.train()
        ends[name] = weights(runner)
    return ends


def assert_same(runner: Runner, expected: list[torch.Tensor]) -> None:
    for one, other in zip(weights(runner), expected, strict=True):
        assert torch.equal(one, other)


def stop(work_dir: Path, point: str, iteration: int, how: Any, **kind: Any) -> Runner:
    runner = make_run(work_dir, At(point, iteration, how), **kind)
    with pytest.raises((SystemExit, Killed)) as ended:
        runner.train()
    if how is terminate:
        assert ended.value.code == 143
    return runner


def draws(runner: Runner) -> list[int]:
    return runner.train_dataloader.dataset.read


@pytest.mark.parametrize("iteration", range(1, 12))
def test_sigterm_anywhere_loses_nothing(tmp_path: Path, straight: dict, iteration: int) -> None:
    before = stop(tmp_path, "train", iteration, terminate)
    assert (tmp_path / "last_checkpoint").read_text() == str(tmp_path / "interrupted.pth")
    after = make_run(tmp_path)
    after.train()
    assert_same(after, straight["epochs"])
    assert draws(before) + draws(after) == list(range(21))  # none twice, none left out
    assert not (tmp_path / "interrupted.pth").exists()  # there are newer ones


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
def test_ctrl_c_and_a_terminal_that_closes_lose_nothing(
    tmp_path: Path, straight: dict, capfd: pytest.CaptureFixture, number: int
) -> None:
    before = make_run(tmp_path, At("train", 6, lambda: signal.raise_signal(number)))
    with pytest.raises(SystemExit) as ended:
        before.train()
    assert ended.value.code == 128 + number
    assert "saving after this iteration; again to end at once" in capfd.readouterr().err
    after = make_run(tmp_path)
    after.train()
    assert_same(after, straight["epochs"])
    assert draws(before) + draws(after) == list(range(21))


def test_a_second_signal_ends_at_once(tmp_path: Path) -> None:
    def twice() -> None:
        signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        make_run(tmp_path, At("train", 6, twice)).train()
    assert not (tmp_path / "interrupted.pth").exists()


def test_ignored_signals_stay_ignored_and_others_what_they_were(tmp_path: Path) -> None:
    """``nohup`` ignores SIGHUP."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        run = make_run(tmp_path, At("train", 6, lambda: signal.raise_signal(signal.SIGHUP)))
        run.train()
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)
    assert run.iter == 12
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.parametrize("iteration", [1, 3, 4, 7, 11])
def test_sigterm_in_a_loop_over_iterations(tmp_path: Path, straight: dict, iteration: int) -> None:
    before = stop(tmp_path, "train", iteration, terminate, **ENDLESS)
    after = make_run(tmp_path, **ENDLESS)
    after.train()
    assert_same(after, straight["endless"])
    # a loader without workers reads no batch that is not trained on
    assert draws(before) + draws(after) == list(range(24))


def test_a_loop_over_iterations_whose_epochs_end(
    tmp_path: Path, straight: dict, monkeypatch: pytest.MonkeyPatch
) -> None:
    """MMEngine rests between epochs; the last batch of an epoch is the smaller one."""
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    stop(tmp_path, "train", 7, kill, **EPOCHS_BY_ITERATIONS)
    after = make_run(tmp_path, **EPOCHS_BY_ITERATIONS)
    after.train()
    assert draws(after) == list(range(7, 21))  # behind iter_4.pth
    assert_same(after, straight["epochs"])


@pytest.mark.parametrize("iteration", [5, 8, 12])
@pytest.mark.parametrize("point", ["train", "save"])
def test_a_kill_goes_back_to_the_last_checkpoint(
    tmp_path: Path, straight: dict, point: str, iteration: int
) -> None:
    stop(tmp_path, point, iteration - iteration % 4 if point == "save" else iteration, kill)
    runner = make_run(tmp_path, workers=2 if iteration == 8 else 0)
    runner.train()
    runner.train_dataloader._iterator = None
    assert_same(runner, straight["epochs"])


def test_a_validation_that_was_cut_short_is_run_again(tmp_path: Path, straight: dict) -> None:
    for how, iteration in ((kill, 4), (terminate, 8), (kill, 12)):
        stop(tmp_path, "val", iteration, how)
    last = make_run(tmp_path)
    last.train()
    assert draws(last) == []
    assert_same(last, straight["epochs"])
    scores = last.message_hub.get_scalar("val/mean").data[0]
    whole = make_run(tmp_path / "whole")
    whole.train()
    assert list(scores) == list(whole.message_hub.get_scalar("val/mean").data[0])
    assert len(scores) == 3


def test_the_best_is_the_best_of_a_run_that_was_not_stopped(tmp_path: Path) -> None:
    best = dict(save_best="mean", rule="greater", max_keep_ckpts=1)
    values = [0.3, 0.5, 0.4]
    stop(tmp_path, "val", 8, kill, checkpoint=best, values=values[:1])
    assert [p.name for p in tmp_path.glob("best*")] == ["best_mean_epoch_1.pth"]
    runner = make_run(tmp_path, checkpoint=best, values=values[1:])
    runner.train()
    kept = {path.name for path in tmp_path.glob("*.pth")}
    assert kept == {"best_mean_epoch_2.pth", "epoch_3.pth"}
    assert runner.message_hub.get_info("best_score") == 0.5
    # the best validation is in its checkpoint, and is not run again
    again = stop(tmp_path / "b", "train", 5, kill, checkpoint=best, values=[0.3])
    assert again.message_hub.get_info("validated_at_iter") == 4
    resumed = make_run(tmp_path / "b", checkpoint=best, values=[0.5, 0.4])
    resumed.train()
    assert list(resumed.message_hub.get_scalar("val/mean").data[0]) == [0.3, 0.5, 0.4]


def test_a_best_that_was_found_on_resuming_is_in_the_last_checkpoint(tmp_path: Path) -> None:
    best = dict(save_best="mean", rule="greater")
    stop(tmp_path, "val", 12, kill, checkpoint=best, values=[0.3, 0.4])
    make_run(tmp_path, checkpoint=best, values=[0.5]).train()
    last = torch.load(tmp_path / "epoch_3.pth", weights_only=False)
    assert last["message_hub"]["runtime_info"]["best_score"] == 0.5


def test_gradients_that_add_up_are_not_lost(tmp_path: Path) -> None:
    """The stop waits for the update."""
    whole = make_run(tmp_path / "whole", accumulative_counts=2)
    whole.train()
    stop(tmp_path / "stopped", "train", 5, terminate, accumulative_counts=2)
    after = make_run(tmp_path / "stopped", accumulative_counts=2)
    after.train()
    assert draws(after)[0] == 11  # behind iteration 6, the second of epoch 2
    assert_same(after, weights(whole))


@pytest.mark.parametrize(("point", "how"), [("train", kill), ("save", kill), ("val", terminate)])
def test_the_end_of_an_epoch_loses_no_gradient(tmp_path: Path, point: str, how: Any) -> None:
    """Four batches, three of which make an update: the fourth makes one of its own."""
    whole = make_run(tmp_path / "whole", accumulative_counts=3)
    whole.train()
    iteration = 6 if point == "train" else 8
    stop(tmp_path / "stopped", point, iteration, how, accumulative_counts=3)
    after = make_run(tmp_path / "stopped", accumulative_counts=3)
    after.train()
    assert_same(after, weights(whole))


def test_sigterm_waits_for_the_update_of_its_epoch(tmp_path: Path) -> None:
    """In the second epoch the third batch, iteration 7, makes an update."""
    stop(tmp_path, "train", 5, terminate, accumulative_counts=3)
    after = make_run(tmp_path, accumulative_counts=3)
    after.train()
    assert draws(after)[0] == 13


def test_an_epoch_makes_the_updates_of_its_means(tmp_path: Path) -> None:
    """Against plain steps: the mean of batches 1 to 3, then 4 alone, in each of three epochs."""
    runner = make_run(tmp_path, accumulative_counts=3)
    runner._train_dataloader["sampler"]["shuffle"] = False
    model = runner.model
    model.dropout.p = 0.0
    reference = copy.deepcopy(model)
    optimizer = torch.optim.AdamW(reference.parameters(), lr=0.05)
    runner.param_schedulers = None
    runner.train()

    draw = iter(range(21))
    for batches in ([[0, 1], [2, 3], [4, 5]], [[6]]) * 3:
        means = []
        for batch in batches:
            items = []
            for item in batch:
                with seeded(next(draw)):
                    items.append(torch.rand(3) + item)
            means.append(reference.linear(torch.stack(items)).square().mean())
        optimizer.zero_grad()
        torch.stack(means).mean().backward()
        optimizer.step()
    torch.testing.assert_close(model.state_dict(), reference.state_dict())


def test_a_checkpoint_between_accumulated_batches_is_refused(tmp_path: Path) -> None:
    for kind, words in ((ENDLESS, "interval, 4,"), (EPOCHS_BY_ITERATIONS, "interval, 4,")):
        with pytest.raises(ValueError, match=f"{words} is not a multiple of .*counts=3"):
            make_run(tmp_path, accumulative_counts=3, **kind).train()
    within = dict(by_epoch=False, interval=3)
    with pytest.raises(ValueError, match=r"batches in an epoch, 4, is .* or by_epoch=True"):
        make_run(tmp_path, accumulative_counts=3, checkpoint=within).train()


def test_an_epoch_of_another_length_is_begun_anew(tmp_path: Path) -> None:
    stop(tmp_path, "train", 6, terminate)
    runner = make_run(tmp_path)
    runner._train_dataloader["batch_size"] = 1
    runner._hooks = [hook for hook in runner.hooks if not isinstance(hook, CheckResumeHook)]
    runner.train()
    assert draws(runner) == list(range(7, 21))


@pytest.mark.parametrize(
    ("kind", "sampler"), [({}, "DefaultSampler"), (ENDLESS, "InfiniteSampler")]
)
def test_mmengines_samplers_resume_as_exactly(tmp_path: Path, kind: dict, sampler: str) -> None:
    def run(name: str, *hooks: At) -> Runner:
        runner = make_run(tmp_path / name, *hooks, **kind)
        runner._train_dataloader["sampler"] = dict(type=sampler, shuffle=True)
        return runner

    whole = run("whole")
    whole.train()
    before = run("stopped", At("train", 6, terminate))
    with pytest.raises(SystemExit):
        before.train()
    after = run("stopped")
    after.train()
    assert_same(after, weights(whole))
    assert draws(before) + draws(after) == draws(whole)
    assert draws(whole) == list(range(len(draws(whole))))  # each has a number of its own
