"""Top-level values that nothing reads are named."""

from __future__ import annotations

from pathlib import Path

import pytest

from mtlplugins.apis import load_config

CONFIG = Path(__file__).parents[2] / "configs/swin_cond_nyuv2.py"


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    found: list[str] = []
    monkeypatch.setattr("mtlplugins.config.unused.print_log", lambda text, **_: found.append(text))
    return found


def load(folder: Path, text: str):
    path = folder / "own.py"
    path.write_text(f"_base_ = {str(CONFIG)!r}\n{text}")
    return load_config(str(path))


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("train_pipeline = [dict(type='LoadTargets')]", "train_dataloader.dataset.pipeline"),
        ("max_epochs = 3", "train_cfg.max_epochs"),
        ("data_root = 'elsewhere'", "train_dataloader.dataset.data_root"),
        ("data_preprocessor = dict(mean=[0, 0, 0])", "model.data_preprocessor"),
    ],
)
def test_a_name_of_the_base_no_longer_reaches_what_was_made_of_it(
    tmp_path: Path, said: list[str], text: str, place: str
) -> None:
    load(tmp_path, text)
    (warning,) = said
    name = text.partition(" ")[0]
    assert warning.startswith(f"{name}: this value is not used: ")
    assert place in warning


def test_a_value_that_is_used_is_not_named(tmp_path: Path, said: list[str]) -> None:
    load(
        tmp_path,
        "max_epochs = 3\ntrain_cfg = dict(max_epochs=max_epochs)\n"
        "param_scheduler = [dict(type='PolyLR', end=max_epochs)]\n"
        "loader = dict(num_workers=1)\nval_dataloader = dict(**loader)\nmy_notes = 'three epochs'\n"
        "optimizer = dict(type='SGD', lr=0.1)\n"
        "optim_wrapper = dict(_delete_=True, type='OptimWrapper', optimizer=optimizer)\n",
    )
    assert said == []


def test_what_was_changed_on_purpose_is_not_named(tmp_path: Path, said: list[str]) -> None:
    """The base's max_epochs and train_pipeline stay, as names that nothing reads any more."""
    cfg = load(tmp_path, "train_cfg = dict(max_epochs=3)\nbatches = dict(batch_size=2)\n")
    assert cfg.max_epochs != cfg.train_cfg.max_epochs
    load_config(str(CONFIG), {"train_cfg.max_epochs": 3})
    load_config(str(CONFIG), {"train_dataloader.dataset.pipeline": []})
    assert said == []
    load_config(str(CONFIG), {"max_epochs": 3})
    assert len(said) == 1


def test_keys_of_mmcvs_runners_are_named_with_todays(tmp_path: Path, said: list[str]) -> None:
    load(
        tmp_path,
        "lr_config = dict(policy='poly')\noptimizer_config = dict(grad_clip=None)\n"
        "data = dict(samples_per_gpu=2)\noptimizer = dict(type='SGD', lr=0.01)\n",
    )
    assert sorted(text.partition(":")[0] for text in said) == [
        "data", "lr_config", "optimizer", "optimizer_config",
    ]  # fmt: skip
    named = "\n".join(said)
    assert "set param_scheduler instead" in named
    assert "set optim_wrapper.clip_grad and" in named
    assert "set train_dataloader, val" in named
    assert "optim_wrapper.optimizer keeps the one" in named


def test_a_misspelt_key_in_the_file_is_refused(tmp_path: Path) -> None:
    for wrong, right in (
        ("param_schedulers", "param_scheduler"),
        ("val_evaluators", "val_evaluator"),
    ):
        with pytest.raises(ValueError, match=f"{wrong}: nothing reads this.*did you mean {right}"):
            load(tmp_path, f"{wrong} = []")
