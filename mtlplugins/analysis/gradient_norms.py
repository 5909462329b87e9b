"""Propose task weights from the norms of the tasks' gradients, in one pass.

    mtlplugins gradient-norms CONFIG CHECKPOINT

Weights that make the gradients of all tasks as long as each other on the parameters that they
share do as well as a grid search in recent evaluations (arXiv:2509.23915, arXiv:2508.13979). The
checkpoint should be of an early part of the training, with the config's weights; losses are taken
without weights.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config

from mtlplugins.common.arguments import add_cfg_options
from mtlplugins.common.markdown import markdown_table
from mtlplugins.common.progress import track
from mtlplugins.config import load_config
from mtlplugins.models import MultiTaskModel

from .affinity.figures import deviation
from .affinity.gradients import gradient_row
from .affinity.shared_parts import shared_parts
from .training_batches import Batch, build_model, load_checkpoint, training_batches


def proposed_weights(norms: Sequence[float]) -> list[float]:
    """Compute weights that make all norms equal and leave their sum, so that ``lr`` still fits.

    Raises:
        ValueError: A norm is 0 or not finite.
    """
    if not all(0 < norm < float("inf") for norm in norms):
        raise ValueError(f"no weight makes gradients of the norms {list(norms)} equally long")
    mean = sum(norms) / len(norms)
    return [mean / norm for norm in norms]


def gradient_norms(model: MultiTaskModel, batches: Iterable[Batch]) -> dict[str, dict[str, Any]]:
    """Measure the norms of the tasks' gradients with respect to the shared parameters.

    Args:
        model: The model, in eval mode.
        batches: Batches of training data; a task's norm is the mean over those with a target of it.

    Returns:
        By task ``norm``, its sample standard deviation ``deviation`` over batches (None for one),
        ``batches``, and the proposed ``weight``.

    Raises:
        ValueError: No batch has a target of a task, or its gradient is zero.
    """
    shared = shared_parts(model)
    found: dict[str, list[float]] = {task: [] for task in model.trained_tasks}
    for batch in batches:
        for task, norms in found.items():
            row = gradient_row(model, shared, task, batch)
            if row is not None:
                norms.append(float(row.norm()))
    for task, norms in found.items():
        if not any(norms):
            raise ValueError(
                f"task {task!r} has no gradient of the encoder in these batches: it needs targets "
                "(--batches for more of them), and a loss that is not zero"
            )
    means = {task: sum(norms) / len(norms) for task, norms in found.items()}
    weights = proposed_weights(list(means.values()))
    result = {}
    for (task, norms), weight in zip(found.items(), weights, strict=True):
        spread = float(deviation(torch.tensor(norms).double()))
        result[task] = dict(
            norm=means[task],
            deviation=None if spread != spread else spread,
            batches=len(norms),
            weight=weight,
        )
    return result


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("config", help="config file")
    parser.add_argument("checkpoint", help="checkpoint file")
    parser.add_argument("--batches", type=int, default=16, help="batches of training data, 16")
    parser.add_argument("--out", metavar="FILE", help="write the numbers to this JSON file too")
    add_cfg_options(parser)
    args = parser.parse_args()
    if args.batches < 1:
        parser.error(f"--batches {args.batches}: give 1 or more")
    return args


def measure(cfg: Config, checkpoint: str, *, batches: int) -> dict[str, dict[str, Any]]:
    """Measure the norms of a checkpoint; see :func:`gradient_norms`."""
    model = build_model(cfg)
    load_checkpoint(model, checkpoint)
    return gradient_norms(model, track(list(training_batches(cfg, model, batches)), "batches"))


def main() -> None:
    """Print norms and proposed weights, and the option that sets them."""
    args = parse_args()
    cfg = load_config(args.config, args.cfg_options)
    found = measure(cfg, args.checkpoint, batches=args.batches)
    rows = [
        [
            task,
            f"{f['norm']:.4g}" + (f" ± {f['deviation']:.2g}" if f["deviation"] else ""),
            f"{(cfg.model.get('task_weights') or {}).get(task, 1):g}",
            f"{f['weight']:.3g}",
        ]
        for task, f in found.items()
    ]
    header = ["task", "norm of the gradient", "weight in the config", "proposed weight"]
    print("\n" + markdown_table(header, rows, right=True))
    options = " ".join(f"model.task_weights.{task}={f['weight']:.3g}" for task, f in found.items())
    print(f"\n--cfg-options {options}")
    if args.out:
        Path(args.out).write_text(json.dumps(found, indent=1), encoding="utf-8")
