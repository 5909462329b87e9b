"""Train a model from a config."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config, DictAction
from mmengine.runner import CheckpointLoader
from mmseg.registry import RUNNERS

import mtlplugins  # noqa: F401, registers the modules
from mtlplugins.apis import load_config
from mtlplugins.engine.resume.compatible import refuse_unfit
from mtlplugins.engine.resume.find_checkpoint import claim, find_checkpoint, refuse_to_overwrite
from mtlplugins.io.atomic_file import name_full_disk

#: What a launcher tells a process its number by.
_RANK = dict(pytorch="RANK", slurm="SLURM_PROCID", mpi="OMPI_COMM_WORLD_RANK")


def parse_args() -> argparse.Namespace:
    """Read the command line; the flags are those of mmsegmentation's tool."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("config", help="config file")
    parser.add_argument(
        "--work-dir", help="folder of logs and checkpoints; ./work_dirs/CONFIG if not given"
    )
    parser.add_argument(
        "--resume",
        action="store_true",
        help="go on from the latest checkpoint in the work dir, or start where there is none; "
        "without it, a work dir with checkpoints is refused",
    )
    parser.add_argument(
        "--amp",
        action="store_true",
        help="mixed precision in bfloat16, on a CPU too; in float16 on GPUs that have no bfloat16",
    )
    parser.add_argument(
        "--cfg-options",
        nargs="+",
        action=DictAction,
        metavar="KEY=VALUE",
        help="change values of the config",
    )
    parser.add_argument("--launcher", choices=["none", "pytorch", "slurm", "mpi"], default="none")
    parser.add_argument(
        "--local_rank", "--local-rank", type=int, default=0, help="set by launchers"
    )
    args = parser.parse_args()
    os.environ.setdefault("LOCAL_RANK", str(args.local_rank))
    return args


def has_bfloat16() -> bool:
    """Whether the device that a training runs on computes in bfloat16 itself."""
    gpu = torch.cuda.is_available()
    return not gpu or torch.cuda.is_bf16_supported(including_emulation=False)


def is_first(launcher: str) -> bool:
    """Whether this is the process that writes."""
    return int(os.environ.get(_RANK.get(launcher, ""), 0)) == 0


def prepare_resume(cfg: Config) -> None:
    """Let a run go on from its newest checkpoint, if there is one.

    Raises:
        ValueError: The checkpoint is none that a run can go on from, or has another seed.
    """
    # MMEngine would resume from load_from, which is where a run starts and not where it stopped
    found = find_checkpoint(Path(cfg.work_dir), saving_of(cfg))
    cfg.resume = found is not None
    if found is None:
        return
    cfg.load_from = str(found)
    checkpoint = CheckpointLoader.load_checkpoint(cfg.load_from, map_location="cpu")
    refuse_unfit(checkpoint, cfg.load_from)
    seed = checkpoint["meta"].get("seed")
    if not isinstance(seed, int):
        return
    randomness = cfg.get("randomness") or {}
    if randomness.get("seed") not in (None, seed):
        raise ValueError(
            f"randomness.seed={randomness['seed']}, but the run in {cfg.work_dir} has seed {seed}: "
            f"resume it with --cfg-options randomness.seed={seed}, or give another --work-dir"
        )
    cfg.randomness = dict(randomness, seed=seed)  # MMEngine takes it when the data has an order


def saving_of(cfg: Config) -> dict[str, Any]:
    """How the config has checkpoints saved."""
    return (cfg.get("default_hooks") or {}).get("checkpoint") or {}


def main() -> None:
    """Build the runner and train."""
    args = parse_args()
    cfg = load_config(args.config, args.cfg_options)
    cfg.launcher = args.launcher
    cfg.work_dir = args.work_dir or cfg.get("work_dir") or f"work_dirs/{Path(args.config).stem}"
    cfg.resume = args.resume or cfg.get("resume", False)
    work_dir = Path(cfg.work_dir)
    # held until the end, and by the checkpoint hook again
    lock = claim(work_dir) if is_first(args.launcher) and work_dir.is_dir() else None
    if cfg.resume:
        prepare_resume(cfg)
    else:
        refuse_to_overwrite(work_dir, saving_of(cfg))
    if cfg.get("load_from") and "://" not in cfg.load_from and not Path(cfg.load_from).is_file():
        raise FileNotFoundError(
            f"load_from={cfg.load_from}: no such file; train the model that it comes from, or give "
            "another checkpoint with --cfg-options load_from=FILE"
        )
    if args.amp:
        cfg.optim_wrapper.type = "Bf16OptimWrapper" if has_bfloat16() else "AmpOptimWrapper"
    if lock is None and is_first(args.launcher):
        work_dir.mkdir(parents=True, exist_ok=True)
        lock = claim(work_dir)
    with name_full_disk(work_dir):
        RUNNERS.build(cfg).train()


if __name__ == "__main__":
    main()
