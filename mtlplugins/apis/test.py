"""Evaluation of a checkpoint: :func:`test`, and ``mtlplugins test``."""

from __future__ import annotations

import argparse
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.logging import print_log

from mtlplugins.common.arguments import add_run_options
from mtlplugins.config import load_config
from mtlplugins.config.mirrored_views import check_mirrored_views
from mtlplugins.engine import MultiTaskRunner
from mtlplugins.engine.console.short_log import print_whole_log
from mtlplugins.io.checkpoint import load_state, read_checkpoint


def test(
    config: str | Path | Config,
    checkpoint: str | Path,
    *,
    work_dir: str | None = None,
    out: str | None = None,
    show_dir: str | None = None,
    interval: int = 1,
    tasks: Sequence[str] | None = None,
    tta: bool = False,
    cfg_options: dict[str, Any] | None = None,
    launcher: str = "none",
    verbose: bool = False,
) -> dict[str, float]:
    """Evaluate a checkpoint on the test data of a config.

    Args:
        config: Config file, ``mtlplugins::NAME`` or object.
        checkpoint: Checkpoint file, or a work dir, for its best checkpoint or else its last.
        work_dir: Folder of logs; by default the config's, or ``work_dirs/CONFIG``.
        out: Folder for all predictions, as files by task; None to write none.
        show_dir: Folder for panels of ground truth and prediction; None to draw none.
        interval: Number of images from one panel to the next.
        tasks: Tasks to predict and score; None for all.
        tta: Whether to merge the predictions of several views of each image: those of the config's
            ``model.test_cfg.tta``, by default the image and its mirror image.
        cfg_options: Values of the config to change, by dotted key.
        launcher: ``'none'``, ``'pytorch'``, ``'slurm'`` or ``'mpi'``.
        verbose: Print MMEngine's whole log instead of progress and scores.

    Returns:
        The scores by ``<task>/<metric>``.

    Raises:
        FileNotFoundError: There is no such config, or no checkpoint in the work dir.
        ValueError: The checkpoint is of another architecture, the work dir has several best ones,
            no metric scores the tasks, or a task's mirrored views cannot be merged.
    """
    cfg = load_config(config, cfg_options)
    cfg.launcher = launcher
    cfg.work_dir = (
        work_dir or cfg.get("work_dir") or f"work_dirs/{Path(cfg.filename or 'test').stem}"
    )
    if verbose:
        print_whole_log(cfg)
    if tasks:
        select_tasks(cfg, list(tasks))
    if tta:
        augment(cfg)
    if show_dir:
        draw_panels(cfg, show_dir, interval)
    return _run(cfg, find_checkpoint(str(checkpoint)), out)


def _run(cfg: Config, checkpoint: str, out: str | None) -> dict[str, float]:
    """Load the checkpoint, then test; write all predictions to ``out`` if given."""
    state, meta = read_checkpoint(checkpoint)
    described = described_tasks(meta)
    if out:
        hook = dict(type="SavePredictionsHook", out=str(out), described=described)
        cfg.custom_hooks = [*(cfg.get("custom_hooks") or []), hook]
    cfg.load_from, cfg.resume = None, False  # or the runner would load it over the checkpoint
    runner = MultiTaskRunner.from_cfg(cfg)
    load_state(getattr(runner.model, "module", runner.model), state, checkpoint)
    meta = runner.test_loop.dataloader.dataset.metainfo
    # test data without ground truth describe no task; predictions are still drawn
    runner.visualizer.dataset_meta = {**meta, "tasks": described | meta.get("tasks", {})}
    return runner.test()


def described_tasks(meta: Any) -> dict[str, dict[str, Any]]:
    """Read the valid descriptions of tasks from a checkpoint's ``meta`` (any object)."""
    described = meta.get("dataset_meta") if isinstance(meta, dict) else None
    tasks = described.get("tasks") if isinstance(described, dict) else None
    if not isinstance(tasks, dict):
        return {}
    return {t: e for t, e in tasks.items() if isinstance(e, dict) and "kind" in e}


def select_tasks(cfg: Config, tasks: list[str]) -> None:
    """Restrict a config's test to some tasks, in place."""
    # MMEngine's setdefault returns a copy of what it stores
    cfg.model.test_cfg = {**(cfg.model.get("test_cfg") or {}), "tasks": tasks}
    cfg.test_evaluator = [m for m in cfg.test_evaluator if m.get("task") in tasks]
    if not cfg.test_evaluator:
        known = ", ".join(cfg.model.heads)
        raise ValueError(f"--tasks {','.join(tasks)}: no metric for these; tasks: {known}")


def augment(cfg: Config) -> None:
    """Switch on test-time augmentation in a config, in place.

    Raises:
        ValueError: The model is not a ``MultiTaskModel``, or a task cannot be merged.
    """
    if "heads" not in cfg.model:
        raise ValueError(
            f"--tta: model.type={cfg.model.get('type')!r} is no MultiTaskModel, whose heads merge "
            "the views; mmsegmentation's own tools/test.py --tta uses its tta_model and "
            "tta_pipeline"
        )
    if "tta_model" in cfg or "tta_pipeline" in cfg:
        print_log(
            "tta_model and tta_pipeline are mmsegmentation's and not used: model.test_cfg.tta, "
            "such as dict(scales=(0.75, 1.0, 1.25), flip=True), says what views are merged",
            logger="current",
            level=logging.WARNING,
        )
    settings = cfg.model.get("test_cfg") or {}
    cfg.model.test_cfg = {**settings, "tta": settings.get("tta") or {}}
    check_mirrored_views(cfg)


def draw_panels(cfg: Config, folder: str, interval: int) -> None:
    """Let a config's test draw panels to a folder, of one in ``interval`` images, in place."""
    panels = dict(
        type="MultiTaskVisualizationHook",
        draw=True,
        interval=interval,
        show_dir=str(Path(folder).absolute()),
    )
    cfg.default_hooks = {**(cfg.get("default_hooks") or {}), "visualization": panels}


def find_checkpoint(path: str) -> str:
    """Return the path of a checkpoint: a file as given, or the best or else last of a work dir.

    Raises:
        FileNotFoundError: The work dir has no checkpoint.
        ValueError: The work dir has several best checkpoints, by different metrics.
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
    # by its name only: the folder may have been moved
    return str(best[0] if best else folder / Path(note.read_text().strip()).name)


def parse_args() -> argparse.Namespace:
    """Parse the command line; the options of mmsegmentation's tool, and ``--tasks``."""
    parser = argparse.ArgumentParser(description="Evaluate a checkpoint.")
    parser.add_argument("config", help="config file")
    parser.add_argument(
        "checkpoint",
        help="checkpoint file, or a work dir, for its best checkpoint or else its last",
    )
    parser.add_argument("--work-dir", help="folder of logs; ./work_dirs/CONFIG by default")
    parser.add_argument("--out", help="folder to write all predictions to, as files by task")
    parser.add_argument(
        "--show-dir", help="folder to write panels of ground truth and prediction to"
    )
    parser.add_argument(
        "--interval", type=int, default=1, help="number of images from one panel to the next"
    )
    parser.add_argument(
        "--tta",
        action="store_true",
        help="merge the predictions of several views (model.test_cfg.tta; by default mirrored)",
    )
    parser.add_argument("--tasks", help="tasks to predict and score, e.g. semantic,depth")
    add_run_options(parser)
    return parser.parse_args()


def main() -> None:
    """Run ``mtlplugins test``."""
    args = parse_args()
    test(
        args.config,
        args.checkpoint,
        work_dir=args.work_dir,
        out=args.out,
        show_dir=args.show_dir,
        interval=args.interval,
        tasks=args.tasks.split(",") if args.tasks else None,
        tta=args.tta,
        cfg_options=args.cfg_options,
        launcher=args.launcher,
        verbose=args.verbose,
    )
