"""Evaluate a checkpoint."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from mmengine.config import Config, DictAction
from mmengine.runner import Runner

import mtlplugins  # noqa: F401, registers the modules
from mtlplugins.apis import load_config
from mtlplugins.io.checkpoint import load_state, read_checkpoint


def parse_args() -> argparse.Namespace:
    """Read the command line; the flags are those of mmsegmentation's tool, and ``--tasks``."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("config", help="config file")
    parser.add_argument(
        "checkpoint", help="checkpoint file, or a work dir: the best one it kept, else its last"
    )
    parser.add_argument("--work-dir", help="folder of logs; ./work_dirs/CONFIG if not given")
    parser.add_argument("--out", help="folder to write all predictions to, as files by task")
    parser.add_argument("--show-dir", help="folder to write panels of truth and prediction to")
    parser.add_argument("--interval", type=int, default=1, help="draw every so many images")
    parser.add_argument("--tasks", help="tasks to predict and score, e.g. semantic,depth")
    parser.add_argument(
        "--cfg-options",
        nargs="+",
        action=DictAction,
        metavar="KEY=VALUE",
        help="change values of the config",
    )
    parser.add_argument("--launcher", choices=["none", "pytorch", "slurm", "mpi"], default="none")
    parser.add_argument("--local_rank", "--local-rank", type=int, default=0, help="for launchers")
    args = parser.parse_args()
    os.environ.setdefault("LOCAL_RANK", str(args.local_rank))
    return args


def select_tasks(cfg: Config, tasks: list[str]) -> None:
    """Predict and score the named tasks only."""
    cfg.model.setdefault("test_cfg", {})["tasks"] = tasks
    cfg.test_evaluator = [m for m in cfg.test_evaluator if m.get("task") in tasks]
    if not cfg.test_evaluator:
        known = ", ".join(cfg.model.heads)
        raise ValueError(f"--tasks {','.join(tasks)}: no metric for these; tasks: {known}")


def find_checkpoint(path: str) -> str:
    """Give a file as it is, of a work dir its best checkpoint or else its last.

    Raises:
        FileNotFoundError: A work dir without a checkpoint.
        ValueError: A work dir with several best checkpoints, by different metrics.
    """
    folder = Path(path)
    if not folder.is_dir():
        return path
    best = sorted(folder.glob("best_*.pth"))
    if len(best) > 1:
        raise ValueError(
            f"{folder} has several best checkpoints, give one: {', '.join(map(str, best))}"
        )
    note = folder / "last_checkpoint"
    if not best and not note.is_file():
        raise FileNotFoundError(f"{folder} holds neither best_*.pth nor last_checkpoint")
    # by its name alone: the folder may have moved since
    return str(best[0] if best else folder / Path(note.read_text().strip()).name)


def main() -> None:
    """Build the runner, load the checkpoint strictly, and test."""
    args = parse_args()
    cfg = load_config(args.config, args.cfg_options)
    cfg.launcher = args.launcher
    cfg.work_dir = args.work_dir or cfg.get("work_dir") or f"work_dirs/{Path(args.config).stem}"
    if args.tasks:
        select_tasks(cfg, args.tasks.split(","))
    if args.show_dir:
        cfg.default_hooks.visualization = dict(
            type="MultiTaskVisualizationHook",
            draw=True,
            interval=args.interval,
            show_dir=str(Path(args.show_dir).absolute()),
        )
    if args.out:
        hook = dict(type="SavePredictionsHook", out=args.out)
        cfg.custom_hooks = [*cfg.get("custom_hooks", []), hook]
    checkpoint = find_checkpoint(args.checkpoint)
    state, _ = read_checkpoint(checkpoint)
    cfg.load_from, cfg.resume = None, False  # the runner would load it over the checkpoint
    runner = Runner.from_cfg(cfg)
    load_state(getattr(runner.model, "module", runner.model), state, checkpoint)
    runner.test()


if __name__ == "__main__":
    sys.exit(main())
