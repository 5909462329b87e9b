"""Train a model from a config."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import torch
from mmengine.config import DictAction
from mmseg.registry import RUNNERS

import mtlplugins  # noqa: F401, registers the modules
from mtlplugins.apis import load_config
from mtlplugins.engine.resuming import find_checkpoint, refuse_to_overwrite


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


def main() -> None:
    """Build the runner and train."""
    args = parse_args()
    cfg = load_config(args.config, args.cfg_options)
    cfg.launcher = args.launcher
    cfg.work_dir = args.work_dir or cfg.get("work_dir") or f"work_dirs/{Path(args.config).stem}"
    cfg.resume = args.resume or cfg.get("resume", False)
    if cfg.resume:
        # MMEngine would resume from load_from, which is where a run starts and not where it stopped
        found = find_checkpoint(Path(cfg.work_dir))
        cfg.resume = found is not None
        cfg.load_from = str(found) if found else cfg.get("load_from")
    else:
        refuse_to_overwrite(Path(cfg.work_dir))
    if cfg.get("load_from") and "://" not in cfg.load_from and not Path(cfg.load_from).is_file():
        raise FileNotFoundError(
            f"load_from={cfg.load_from}: no such file; train the model that it comes from, or give "
            "another checkpoint with --cfg-options load_from=FILE"
        )
    if args.amp:
        cfg.optim_wrapper.type = "Bf16OptimWrapper" if has_bfloat16() else "AmpOptimWrapper"
    RUNNERS.build(cfg).train()


if __name__ == "__main__":
    main()
