"""A run removes only its own checkpoint files."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from mtlplugins.engine import SafeCheckpointHook
from mtlplugins.engine.resume import safe_checkpoint_hook
from mtlplugins.engine.resume.find_checkpoint import find_checkpoint
from mtlplugins.engine.resume.work_dir import refuse_to_overwrite
from tests.engine.resume._stopping import At, Killed, kill, make_run, terminate

BEST = dict(save_best="mean", rule="greater", max_keep_ckpts=1)


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.glob("*.pth")}


def stop(work_dir: Path, iteration: int, how: Callable[[], None] = kill, **kind: object) -> None:
    with pytest.raises((SystemExit, Killed)):
        make_run(work_dir, At("train", iteration, how), **kind).train()


def say(checkpoint: Path, **said: object) -> None:
    """Let a checkpoint say something else to the runs that go on from it."""
    state = torch.load(checkpoint, weights_only=False)
    state["message_hub"]["runtime_info"].update(said)
    state["message_hub"]["resumed_keys"].update(dict.fromkeys(said, True))
    torch.save(state, checkpoint)


@pytest.mark.parametrize("best", ["folder", "folder/thesis.tex", "best_mean_epoch_7.pth"])
def test_what_a_checkpoint_says_removes_nothing_outside(tmp_path: Path, best: str) -> None:
    work_dir = tmp_path / "a" / "run"
    stop(work_dir, 9, checkpoint=BEST, values=[0.3, 0.5])
    others = [tmp_path / "victim.pth", tmp_path / "folder/thesis.tex", tmp_path / "epoch_4.pth"]
    others += [tmp_path / "best_mean_epoch_7.pth", work_dir / "best_mean_epoch_9.pth/model"]
    for path in others:
        path.parent.mkdir(exist_ok=True)
        path.write_text("years")
    (work_dir / "epoch_").mkdir()  # through which "/../../../victim" leads out
    say(
        work_dir / "epoch_2.pth",
        best_ckpt=str(tmp_path / best),
        best_score=-1.0,
        last_ckpt=str(tmp_path / "folder"),
        keep_ckpt_ids=["/../../../victim", True, 2],
        outdated_checkpoints=["../../epoch_4.pth", str(others[0]), "best_mean_epoch_9.pth", 3],
    )
    make_run(work_dir, checkpoint=BEST, values=[0.6]).train()
    assert all(path.read_text() == "years" for path in others)
    assert names(work_dir) == {
        "best_mean_epoch_2.pth", "best_mean_epoch_3.pth", "best_mean_epoch_9.pth", "epoch_3.pth"
    }  # fmt: skip


def test_a_copied_run_leaves_the_one_that_it_was_copied_from(tmp_path: Path) -> None:
    stop(tmp_path / "a", 9, checkpoint=BEST, values=[0.3, 0.5])
    before = {"best_mean_epoch_2.pth", "epoch_2.pth"}
    assert names(tmp_path / "a") == before
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    make_run(tmp_path / "b", checkpoint=BEST, values=[0.6]).train()
    assert names(tmp_path / "b") == {"best_mean_epoch_3.pth", "epoch_3.pth"}
    assert names(tmp_path / "a") == before


@pytest.mark.parametrize(
    ("notes", "left", "then"),
    [
        (3, {"best_mean_epoch_1.pth", "epoch_1.pth", "epoch_2.pth"}, {"best_mean_epoch_1.pth"}),
        (
            4,
            {"best_mean_epoch_1.pth", "best_mean_epoch_2.pth", "epoch_2.pth"},
            {"best_mean_epoch_2.pth"},
        ),
    ],
)
def test_what_a_kill_left_after_a_save_is_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, notes: int, left: set, then: set
) -> None:
    """Killed when ``last_checkpoint`` names the new one: of epoch 2, or of epoch 2 as the best."""
    real, done = safe_checkpoint_hook.name_as_last, 0

    def killed(work_dir: Path, checkpoint: str) -> None:
        nonlocal done
        done += 1
        real(work_dir, checkpoint)
        if done == notes:
            raise Killed

    monkeypatch.setattr(safe_checkpoint_hook, "name_as_last", killed)
    with pytest.raises(Killed):
        make_run(tmp_path, checkpoint=BEST, values=[0.3, 0.5]).train()
    assert names(tmp_path) == left
    monkeypatch.undo()
    # epoch 2 is validated again where its checkpoint does not have that
    again = [0.1, 0.1] if notes == 3 else [0.1]
    make_run(tmp_path, checkpoint=BEST, values=again).train()
    assert names(tmp_path) == then | {"epoch_3.pth"}


def test_the_folder_of_checkpoints_may_be_another(tmp_path: Path) -> None:
    work_dir, saving = tmp_path / "run", dict(out_dir=str(tmp_path / "saved"))
    stop(work_dir, 5, terminate, checkpoint=saving)
    assert names(work_dir) == {"interrupted.pth"}
    make_run(work_dir, checkpoint=saving).train()
    assert names(work_dir) == set()  # there are newer ones
    saved = tmp_path / "saved" / "run"
    assert names(saved) == {"epoch_1.pth", "epoch_2.pth", "epoch_3.pth"}
    with pytest.raises(FileExistsError, match=r"saved/run holds checkpoints of a run \(epoch_3"):
        refuse_to_overwrite(work_dir, saving)
    assert find_checkpoint(work_dir, saving).path == saved / "epoch_3.pth"
    (saved / "epoch_3.pth").write_bytes(b"")
    assert find_checkpoint(work_dir, saving).path == saved / "epoch_2.pth"


@pytest.mark.parametrize("template", ["../../evil_{}.pth", "/evil_{}.pth", "model.pth"])
def test_a_template_that_is_no_name_is_refused(template: str) -> None:
    with pytest.raises(ValueError, match=r"filename_tmpl=.*must be a file name with \{\}"):
        SafeCheckpointHook(filename_tmpl=template)


def test_names_of_another_template(tmp_path: Path) -> None:
    saving = dict(filename_tmpl="of_{:03d}.pth", max_keep_ckpts=2)
    make_run(tmp_path, checkpoint=saving).train()
    assert names(tmp_path) == {"of_002.pth", "of_003.pth"}
    (tmp_path / "of_003.pth").unlink()
    assert find_checkpoint(tmp_path, saving).path == tmp_path / "of_002.pth"


def test_parts_that_are_none_of_ours_stay(tmp_path: Path) -> None:
    (tmp_path / ".x.part").write_text("a download")
    (tmp_path / ".y.1.part").mkdir()
    make_run(tmp_path).train()
    assert (tmp_path / ".x.part").is_file()
    assert (tmp_path / ".y.1.part").is_dir()
