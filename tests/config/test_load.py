from __future__ import annotations

from pathlib import Path

import pytest
from mmengine.config import Config

from mtlplugins.apis import load_config
from mtlplugins.engine.default_hooks import merge_hooks

CONFIG = str(Path(__file__).parents[2] / "configs/swin_cond_nyuv2.py")
ROOMS = str(Path(__file__).parents[2] / "configs/rooms/swin_cond_rooms.py")


def test_a_new_data_root_reaches_every_data_set() -> None:
    cfg = load_config(CONFIG, {"data_root": "elsewhere"})
    loaders = (cfg.train_dataloader, cfg.val_dataloader, cfg.test_dataloader)
    assert [loader.dataset.data_root for loader in loaders] == ["elsewhere"] * 3
    assert load_config(CONFIG).train_dataloader.dataset.data_root == "data/nyuv2"


def test_a_data_root_of_one_data_set_stays_alone() -> None:
    cfg = load_config(CONFIG, {"val_dataloader.dataset.data_root": "elsewhere"})
    assert cfg.train_dataloader.dataset.data_root == "data/nyuv2"
    assert cfg.val_dataloader.dataset.data_root == "elsewhere"


def test_a_schedule_follows_the_number_of_epochs() -> None:
    cfg = load_config(CONFIG, {"train_cfg.max_epochs": 7})
    assert cfg.param_scheduler[0].total_steps == 7
    assert load_config(CONFIG).param_scheduler[0].total_steps == 1000


def test_no_such_config() -> None:
    with pytest.raises(FileNotFoundError, match=r"no config file nowhere\.py"):
        load_config("nowhere.py")


def test_a_misspelt_key_is_named() -> None:
    with pytest.raises(KeyError, match=r"train_datalaoder.*did you mean 'train_dataloader'"):
        load_config(CONFIG, {"train_datalaoder.batch_size": 2})
    assert load_config(CONFIG, {"randomness.seed": 3}).randomness.seed == 3
    assert load_config(CONFIG, {"sync_bn": "torch"}).sync_bn == "torch"


def test_default_hooks_are_changed_and_switched_off_by_name() -> None:
    """The config names none of them; the runner knows them."""
    options = {"default_hooks.visualization": None, "default_hooks.nonfinite.action": "skip"}
    merged, _ = merge_hooks(load_config(CONFIG, options).default_hooks, None)
    assert "visualization" not in merged
    assert merged["nonfinite"] == dict(type="NonFiniteHook", action="skip")
    assert "stop" in merged


def test_an_infinite_norm_logs_and_clips_nothing() -> None:
    cfg = load_config(CONFIG, {"optim_wrapper.clip_grad.max_norm": float("inf")})
    assert cfg.optim_wrapper.clip_grad.max_norm == float("inf")
    for wrong in (float("nan"), -float("inf"), 0):
        with pytest.raises(ValueError, match=r"clip_grad.max_norm=.*: give a number above 0"):
            load_config(CONFIG, {"optim_wrapper.clip_grad.max_norm": wrong})


def test_loaders_pin_memory_where_there_is_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    without = load_config(CONFIG)
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    given = load_config(CONFIG, {"val_dataloader.pin_memory": False})
    assert "pin_memory" not in without.train_dataloader
    assert given.train_dataloader.pin_memory is True
    assert given.val_dataloader.pin_memory is False


def test_a_head_of_mmseg_may_have_a_negative_dropout_ratio() -> None:
    """Which is none: its PointRend's has it."""
    key = "model.heads.semantic.dropout_ratio"
    assert load_config(CONFIG, {key: -1}).model.heads.semantic.dropout_ratio == -1
    with pytest.raises(ValueError, match=rf"{key}=1: give a share below 1"):
        load_config(CONFIG, {key: 1})


def test_options_leave_a_given_config_alone() -> None:
    given = Config.fromfile(ROOMS)
    text = given.pretty_text
    options = {"train_cfg.max_epochs": 7, "tasks": "depth", "model.test_cfg.mode": "whole"}
    changed = load_config(given, options)
    assert changed.param_scheduler[0].total_steps == 7
    assert given.pretty_text == text


def test_loaders_without_workers_need_no_settings_of_workers() -> None:
    """PyTorch refuses persistent_workers=True, which the configs have."""
    loader = "train_dataloader"
    assert load_config(CONFIG).train_dataloader.persistent_workers
    cfg = load_config(CONFIG, {f"{loader}.num_workers": 0, f"{loader}.prefetch_factor": 4})
    assert not {"persistent_workers", "prefetch_factor"} & set(cfg.train_dataloader)
    assert cfg.val_dataloader.persistent_workers
