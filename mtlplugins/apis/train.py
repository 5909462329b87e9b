"""Training from a config: :func:`train`, and ``mtlplugins train``."""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config
from mmengine.runner import Runner
from mmseg.registry import RUNNERS

from mtlplugins.common.arguments import add_run_options
from mtlplugins.config import load_config
from mtlplugins.engine import MultiTaskRunner
from mtlplugins.engine.console.short_log import print_whole_log
from mtlplugins.engine.resume.work_dir import has_checkpoint, locked, refuse_to_overwrite
from mtlplugins.io.atomic_file import name_full_disk

#: Environment variable of a process's rank, by launcher.
_RANK = dict(pytorch="RANK", slurm="SLURM_PROCID", mpi="OMPI_COMM_WORLD_RANK")


def train(
    config: str | Path | Config,
    *,
    work_dir: str | Path | None = None,
    resume: bool = False,
    amp: bool = False,
    cfg_options: dict[str, Any] | None = None,
    launcher: str = "none",
    load_from: str | Path | None = None,
    verbose: bool = False,
) -> Runner:
    """Train the model of a config, with :class:`MultiTaskRunner` or the config's ``runner_type``.

    Args:
        config: Config file, ``mtlplugins::NAME`` or object; it is code and must come from someone
            you trust.
        work_dir: Folder of logs and checkpoints; by default the config's, or
            ``work_dirs/CONFIG``.
        resume: Resume from the newest checkpoint in the work dir; start if there is none.
        amp: Mixed precision in bfloat16, on a CPU too; in float16 on GPUs that have no bfloat16.
        cfg_options: Values of the config to change, by dotted key.
        launcher: Launcher of distributed training: ``'none'``, ``'pytorch'``, ``'slurm'`` or
            ``'mpi'``.
        load_from: Checkpoint with the initial weights; ignored when resuming.

        verbose: Print MMEngine's whole log, config and hooks included, instead of a summary,
            progress and scores.

    Returns:
        The runner, with the trained ``model``.

    Raises:
        FileExistsError: The work dir has checkpoints, and ``resume`` is not set.
        FileNotFoundError: The config or the file ``load_from`` does not exist.
        RuntimeError: Another process trains in the work dir.
        ValueError: The config has an invalid value, or the checkpoint in the work dir is of another
            run.
    """
    cfg = load_config(config, cfg_options)
    cfg.setdefault("runner_type", "MultiTaskRunner")
    stem = Path(cfg.filename or "run").stem
    cfg.work_dir = str(work_dir or cfg.get("work_dir") or f"work_dirs/{stem}")
    cfg.launcher = launcher
    if verbose and issubclass(RUNNERS.get(cfg.runner_type) or Runner, MultiTaskRunner):
        print_whole_log(cfg)
    if load_from is not None:
        cfg.load_from = str(load_from)
    if amp:
        cfg.optim_wrapper.type = "Bf16OptimWrapper" if _has_bfloat16() else "AmpOptimWrapper"
    folder, saving = Path(cfg.work_dir), _saving(cfg)
    resume = resume or cfg.get("resume", False)
    cfg.resume = resume and has_checkpoint(folder, saving)
    if cfg.resume:
        cfg.load_from = None  # initial weights only; the checkpoint replaces them
    _check_start(cfg.get("load_from"))
    # locked before anything is written there; the runner takes the lock again
    with locked(folder) if _is_first(launcher) else nullcontext(), name_full_disk(folder):
        if not resume:
            refuse_to_overwrite(folder, saving)
        runner = RUNNERS.build(cfg)  # ty: ignore[invalid-argument-type]  # takes a Config too
        runner.train()
    return runner


def parse_args() -> argparse.Namespace:
    """Parse the command line; the options of mmsegmentation's tool."""
    parser = argparse.ArgumentParser(description="Train a model from a config.")
    parser.add_argument("config", help="config file")
    parser.add_argument(
        "--work-dir", help="folder of logs and checkpoints; ./work_dirs/CONFIG by default"
    )
    parser.add_argument(
        "--resume",
        action="store_true",
        help="resume from the newest checkpoint in the work dir, or start if there is none; "
        "without it, a work dir with checkpoints is refused",
    )
    parser.add_argument(
        "--amp",
        action="store_true",
        help="mixed precision in bfloat16, on a CPU too; in float16 on GPUs that have no bfloat16",
    )
    add_run_options(parser)
    return parser.parse_args()


def main() -> None:
    """Run ``mtlplugins train``."""
    args = parse_args()
    train(
        args.config,
        work_dir=args.work_dir,
        resume=args.resume,
        amp=args.amp,
        cfg_options=args.cfg_options,
        launcher=args.launcher,
        verbose=args.verbose,
    )


def _saving(cfg: Config) -> Mapping[str, Any]:
    """Return the config of the checkpoint hook, empty if there is none."""
    saving = (cfg.get("default_hooks") or {}).get("checkpoint")
    return saving if isinstance(saving, Mapping) else {}


def _check_start(load_from: str | None) -> None:
    if load_from and "://" not in load_from and not Path(load_from).is_file():
        raise FileNotFoundError(
            f"load_from={load_from}: no such file; train the model that it comes from, or give "
            "another checkpoint with --cfg-options load_from=FILE"
        )


def _has_bfloat16() -> bool:
    """Return whether the training device has native bfloat16."""
    gpu = torch.cuda.is_available()
    return not gpu or torch.cuda.is_bf16_supported(including_emulation=False)


def _is_first(launcher: str) -> bool:
    """Return whether this process is rank 0, which writes files."""
    return int(os.environ.get(_RANK.get(launcher, ""), 0)) == 0
