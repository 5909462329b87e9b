"""Count a model's parameters, and the operations of predicting one task for one image."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config, DictAction
from mmengine.registry import init_default_scope
from mmseg.registry import MODELS
from prettytable import PrettyTable
from torch.utils.flop_counter import FlopCounterMode

import mtlplugins  # noqa: F401, registers the modules
from mtlplugins.apis import load_config


def training_size(cfg: Config) -> tuple[int, int]:
    """Find the (height, width) that the config trains at.

    Raises:
        ValueError: No transform of the training pipeline says it.
    """
    for transform in reversed(cfg.get("train_pipeline", [])):
        if scale := transform.get("scale"):
            return (scale, scale) if isinstance(scale, int) else tuple(scale)
    raise ValueError("the config's train_pipeline sets no size; give one with --size HEIGHT WIDTH")


def model_stats(cfg: Config, size: tuple[int, int] | None = None) -> dict[str, Any]:
    """Count parameters and operations.

    Args:
        cfg: A config with a ``model``.
        size: (height, width) of the image; None for the size that the config trains at.

    Returns:
        ``params``, ``trainable``; ``flops_per_task``: operations of one image and one
        task, two per multiply-add, averaged over the tasks; ``flops_by_task``; ``size``.
    """
    init_default_scope("mmseg")
    size = size or training_size(cfg)
    model = MODELS.build(cfg.model).train()
    trainable = sum(p.numel() for p in model.parameters() if p.requires_grad)
    model.eval()
    image = torch.zeros(1, 3, *size)
    flops = {}
    for task in model.tasks:
        model.test_cfg["tasks"] = [task]
        with torch.no_grad(), FlopCounterMode(display=False) as counter:
            model(image, mode="predict")
        flops[task] = counter.get_total_flops()
    return dict(
        params=sum(p.numel() for p in model.parameters()),
        trainable=trainable,
        flops_per_task=sum(flops.values()) / len(flops),
        flops_by_task=flops,
        size=list(size),
    )


def main() -> None:
    """Print the counts of a config."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("config", help="config file")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--size", type=int, nargs=2, metavar=("HEIGHT", "WIDTH"))
    parser.add_argument("--cfg-options", nargs="+", action=DictAction, metavar="KEY=VALUE")
    args = parser.parse_args()
    stats = model_stats(load_config(args.config, args.cfg_options), args.size)
    if args.json:
        print(json.dumps(stats, indent=1))
        return
    table = PrettyTable([Path(args.config).stem, ""], align="r")
    table.add_row(["parameters", f"{stats['params'] / 1e6:.2f} M"])
    table.add_row(["trainable", f"{stats['trainable'] / 1e6:.2f} M"])
    for task, flops in stats["flops_by_task"].items():
        table.add_row(
            [f"FLOPs of {task} at {' x '.join(map(str, stats['size']))}", f"{flops / 1e9:.2f} G"]
        )
    print(table)


if __name__ == "__main__":
    main()
