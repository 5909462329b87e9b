"""Prediction of image files: :func:`predict`, and ``mtlplugins predict``."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mmengine.config import Config

from mtlplugins.common.arguments import add_cfg_options
from mtlplugins.common.progress import track
from mtlplugins.config import load_config
from mtlplugins.datasets.reading.files import BrokenFile
from mtlplugins.io.overwrite import refuse_inputs

from .images import find_images
from .inferencer import MultiTaskInferencer


def predict(
    images: Sequence[str | Path],
    config: str | Path | Config,
    checkpoint: str | Path,
    *,
    out: str | Path,
    tasks: Sequence[str] | None = None,
    device: str | None = None,
    cfg_options: dict[str, Any] | None = None,
) -> dict[Path, str]:
    """Predict images; write a panel for each, and the predictions as files.

    To predict without writing files, use :class:`MultiTaskInferencer`.

    Args:
        images: Image files, folders of images, or patterns such as ``photos/*.jpg``.
        config: Config file, ``mtlplugins::NAME`` or object.
        checkpoint: Checkpoint file.
        out: Folder to write to.
        tasks: Tasks to predict; None for all.
        device: ``'cpu'``, ``'cuda'``, ``'cuda:1'``; None for the GPU if there is one.
        cfg_options: Values of the config to change, by dotted key.

    Returns:
        The reasons by image, for images that could not be read.

    Raises:
        FileNotFoundError: There is no such image, config or checkpoint.
        ValueError: Predictions would overwrite each other or an input.
    """
    if isinstance(images, (str, Path)):
        images = [images]
    found = find_images(images)
    _refuse_same_names(found)
    cfg = load_config(config, cfg_options)
    inferencer = MultiTaskInferencer(cfg, str(checkpoint), tasks=tasks, device=device)
    out = Path(out)
    panels = {path: out / f"{path.stem}.png" for path in found}
    outputs = [file for path in found for file in inferencer.files(out, path.stem)]
    inputs = [*found, checkpoint, *([cfg.filename] if cfg.filename else [])]
    refuse_inputs([*panels.values(), *outputs], inputs)
    out.mkdir(parents=True, exist_ok=True)
    broken = {}
    for path in track(found, "images"):
        try:
            prediction = next(inferencer.stream(path))
        except BrokenFile as error:
            reason = error.__cause__ or error
            broken[path] = str(reason) or type(reason).__name__
            continue
        prediction.save(out)
    return broken


def _refuse_same_names(found: Sequence[Path]) -> None:
    """Refuse images whose predictions would overwrite each other."""
    name, count = Counter(path.stem for path in found).most_common(1)[0]
    if count > 1:
        same = ", ".join(str(path) for path in found if path.stem == name)
        raise ValueError(f"predictions of {same} would replace each other: give each its own --out")


def parse_args() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(
        description="Predict the tasks of images; write a panel for each, and the predictions."
    )
    parser.add_argument("images", nargs="+", help="image files, folders of images, or patterns")
    parser.add_argument("--config", required=True, help="config file")
    parser.add_argument("--checkpoint", required=True, help="checkpoint file")
    parser.add_argument("--out", required=True, help="folder to write to")
    parser.add_argument("--tasks", help="tasks to predict, e.g. semantic,depth; all by default")
    parser.add_argument("--device", help="cpu, cuda, cuda:1; by default the GPU if there is one")
    add_cfg_options(parser)
    return parser.parse_args()


def main() -> str | None:
    """Run ``mtlplugins predict``.

    Returns:
        A message that lists the images that could not be read; None if there are none.
    """
    args = parse_args()
    broken = predict(
        args.images,
        args.config,
        args.checkpoint,
        out=args.out,
        tasks=args.tasks.split(",") if args.tasks else None,
        device=args.device,
        cfg_options=args.cfg_options,
    )
    if not broken:
        return None
    count = len(find_images(args.images))
    lines = "\n".join(f"  {path} cannot be read ({why})" for path, why in broken.items())
    return (
        f"\n{count - len(broken)} of {count} images were predicted; replace or leave out:\n{lines}"
    )
