"""A run in its own process that can be killed and restarted."""

from __future__ import annotations

import multiprocessing
import os
import signal
from multiprocessing.process import BaseProcess
from pathlib import Path

import torch
from mmengine.config import Config

from mtlplugins.apis import load_config
from mtlplugins.engine import MultiTaskRunner
from tests.configs._reduced import reduce_config

CONFIG = Path(__file__).parents[2] / "configs/rooms/swin_cond_rooms.py"
EPOCHS, BATCHES = 4, 5

#: Forked from a process that has imported everything, so that a start takes a moment.
PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload([__name__])


def make_config(work_dir: Path, *, by_epoch: bool, workers: int) -> Config:
    """A small run with everything that a run may carry along, going on from what is there.

    Args:
        work_dir: Where the run lives.
        by_epoch: Whether the loop counts epochs, and not iterations.
        workers: Processes that load data.
    """
    cfg = load_config(str(CONFIG))
    reduce_config(cfg)
    cfg.model.backbone.drop_path_rate = 0.3
    for key, images in (("train", 2 * BATCHES - 1), ("val", 3), ("test", 3)):
        loader = cfg[f"{key}_dataloader"]
        loader.dataset.length = images
        loader.update(batch_size=2, num_workers=0, persistent_workers=False)
    cfg.train_dataloader.update(num_workers=workers, persistent_workers=workers > 0)
    cfg.param_scheduler[0].total_steps = EPOCHS
    cfg.train_cfg.update(max_epochs=EPOCHS, val_interval=1)
    saving = dict(max_keep_ckpts=2, save_best="depth/d1", rule="greater")
    if not by_epoch:
        cfg.train_cfg = dict(by_epoch=False, max_iters=EPOCHS * BATCHES, val_interval=BATCHES)
        cfg.train_dataloader.sampler.endless = True
        saving.update(by_epoch=False, interval=3)
        cfg.param_scheduler[0].update(total_steps=EPOCHS * BATCHES, by_epoch=False)
        cfg.param_scheduler[0].convert_to_iter_based = False
        cfg.log_processor.by_epoch = False
    cfg.default_hooks = dict(checkpoint=saving, logger=dict(interval=1), visualization=None)
    cfg.custom_hooks = [dict(type="EMAHook", momentum=0.1)]
    cfg.update(work_dir=str(work_dir), resume=True)
    return cfg


def start(
    work_dir: Path,
    *,
    by_epoch: bool,
    workers: int,
    tear: int | None = None,
    rank: tuple[int, int, int] | None = None,
) -> BaseProcess:
    """Train to the end in a process of its own.

    Args:
        work_dir: As for :func:`make_config`, like the next two.
        by_epoch: See there.
        workers: See there.
        tear: The process kills itself when it has written half of its save of this number.
        rank: Number of the process, how many there are, and the port where they meet; None for a
            run of one process.
    """
    arguments = (work_dir, by_epoch, workers, tear, rank)
    process = PROCESSES.Process(target=_train, args=arguments)
    process.start()
    return process


def _train(
    work_dir: Path,
    by_epoch: bool,
    workers: int,
    tear: int | None,
    rank: tuple[int, int, int] | None,
) -> None:
    log = work_dir.with_suffix(".log").open("a")
    os.dup2(log.fileno(), 1)
    os.dup2(log.fileno(), 2)
    torch.set_num_threads(1)
    if tear is not None:
        _tear(tear)
    cfg = make_config(work_dir, by_epoch=by_epoch, workers=workers)
    if rank is not None:
        names = ("RANK", "WORLD_SIZE", "MASTER_PORT")
        os.environ.update(zip(names, map(str, rank), strict=True))
        os.environ.update(MASTER_ADDR="127.0.0.1", LOCAL_RANK=str(rank[0]))
        cfg.launcher = "pytorch"
        cfg.custom_hooks.pop()  # averaged weights are wrapped models
    MultiTaskRunner.from_cfg(cfg).train()


def _tear(number: int) -> None:
    save, count = torch.save, 0

    def half(checkpoint: dict, file: object) -> None:
        nonlocal count
        count += 1
        save(checkpoint, file)
        if count == number:
            file.flush()
            os.truncate(file.fileno(), file.tell() // 2)
            os.kill(os.getpid(), signal.SIGKILL)

    torch.save = half
