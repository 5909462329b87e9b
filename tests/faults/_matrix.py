"""Three kinds of config, and an interrupted run of each in its own process."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmseg.registry import HOOKS
from PIL import Image

from mtlplugins.apis.train import train
from mtlplugins.config import load_config
from tests.configs._reduced import SIDE, reduce_config
from tests.faults._killable import PROCESSES

ROOT = Path(__file__).parents[2] / "configs"
STEPS, INTERVAL = 12, 4


@HOOKS.register_module()
class Interruption(Hook):
    """End the process in one way, after an iteration.

    Args:
        way: ``'kill'``, ``'sigterm'`` or ``'nan'``.
        iteration: When.
    """

    priority = "VERY_LOW"

    def __init__(self, way: str, iteration: int) -> None:
        self.way, self.iteration = way, iteration

    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None) -> None:
        if self.way == "nan" and runner.iter + 1 == self.iteration:
            data_batch["inputs"] = [image * torch.nan for image in data_batch["inputs"]]

    def after_train_iter(self, runner: Runner, *args: Any, **kwargs: Any) -> None:
        signals = {"kill": signal.SIGKILL, "sigterm": signal.SIGTERM}
        if runner.iter + 1 == self.iteration and self.way in signals:
            os.kill(os.getpid(), signals[self.way])


def make_ade20k(root: Path) -> None:
    """Ten images and annotations in ADE20K's folders."""
    draw = np.random.default_rng(0)
    for part, count in (("training", 7), ("validation", 3)):
        for kind, suffix, channels in (("images", "jpg", (3,)), ("annotations", "png", ())):
            folder = root / kind / part
            folder.mkdir(parents=True)
            for index in range(count):
                values = draw.integers(0, 151, (SIDE, SIDE + 8, *channels), dtype=np.uint8)
                Image.fromarray(values).save(folder / f"{index}.{suffix}")


def _ours(folder: Path) -> Config:
    cfg = load_config(str(ROOT / "rooms/swin_cond_rooms.py"))
    reduce_config(cfg)
    cfg.model.backbone.drop_path_rate = 0.3
    for part, images in (("train", 2 * INTERVAL), ("val", 3), ("test", 3)):
        cfg[f"{part}_dataloader"].dataset.length = images
    epochs = STEPS // INTERVAL
    cfg.param_scheduler[0].total_steps = epochs
    cfg.train_cfg.update(max_epochs=epochs, val_interval=1)
    return cfg


def _averaged(folder: Path) -> Config:
    cfg = _ours(folder)
    cfg.custom_hooks = [dict(type="EMAHook", momentum=0.1)]
    return cfg


def _mmsegs(folder: Path) -> Config:
    """One that inherits ``mmseg::`` and names nothing of ours but the encoder."""
    cfg = load_config(str(ROOT / "mmseg/upernet_cond_swin_ade20k.py"))
    reduce_config(cfg)
    if not (folder / "ade").is_dir():
        make_ade20k(folder / "ade")
    cfg.model.data_preprocessor.size = (SIDE, SIDE)
    pipeline = cfg.train_dataloader.dataset.pipeline
    pipeline[2].update(scale=(2 * SIDE, SIDE))
    pipeline[3].crop_size = (SIDE, SIDE)
    for part in ("train", "val", "test"):
        cfg[f"{part}_dataloader"].dataset.data_root = str(folder / "ade")
        if part != "train":
            cfg[f"{part}_dataloader"].dataset.pipeline[1].scale = (2 * SIDE, SIDE)
    cfg.train_cfg.update(max_iters=STEPS, val_interval=INTERVAL)
    cfg.default_hooks.checkpoint.interval = INTERVAL
    cfg.param_scheduler[0].end = cfg.param_scheduler[1].begin = 2
    cfg.param_scheduler[1].end = STEPS
    cfg.randomness = dict(seed=3)
    return cfg


CONFIGS = dict(ours=_ours, averaged=_averaged, mmseg=_mmsegs)


def make_config(kind: str, folder: Path, options: dict[str, Any]) -> Config:
    """A small run of 12 steps with a checkpoint and a validation after every fourth."""
    cfg = CONFIGS[kind](folder)
    for part in ("train", "val", "test"):
        cfg[f"{part}_dataloader"].update(num_workers=0, persistent_workers=False)
    cfg.train_dataloader.batch_size = 2
    cfg.default_hooks.setdefault("logger", {}).update(interval=1)
    cfg.merge_from_dict(options)
    return cfg


def run(
    kind: str, folder: Path, name: str, *interruption: Any, **options: Any
) -> tuple[int, str, Path]:
    """Train in a process of its own, resuming what is there.

    Args:
        kind: One of ``CONFIGS``.
        folder: Of the data and the runs.
        name: The run's, below ``folder``.
        interruption: Way and iteration; none for a run to its end.
        options: Changes to the config, by dotted key.

    Returns:
        Exit status, what was printed, and the work dir.
    """
    work_dir = folder / name
    log = folder / f"{name}.log"
    log.unlink(missing_ok=True)
    process = PROCESSES.Process(
        target=_train, args=(kind, folder, work_dir, log, interruption, options)
    )
    process.start()
    process.join(240)
    return process.exitcode, log.read_text(), work_dir


def _train(
    kind: str, folder: Path, work_dir: Path, log: Path, interruption: tuple, options: dict
) -> None:
    with log.open("a") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    torch.set_num_threads(1)
    cfg = make_config(kind, folder, options)
    if interruption:
        way, iteration = interruption
        hook = dict(type="Interruption", way=way, iteration=iteration)
        cfg.custom_hooks = [*cfg.get("custom_hooks", []), hook]
    train(cfg, work_dir=work_dir, resume=True)
