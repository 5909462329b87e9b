"""Prediction of image files: :func:`predict`, and ``mtlplugins predict``."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mmengine.config import Config
from PIL import Image

from mtlplugins.common.arguments import add_cfg_options
from mtlplugins.common.progress import track
from mtlplugins.config import load_config
from mtlplugins.datasets.reading.files import FORMATS, BrokenFile
from mtlplugins.io.overwrite import refuse_inputs

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
        images: Image files, or folders of images.
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
            sample = inferencer(path)
        except BrokenFile as error:  # its advice is for data sets; take the reason only
            reason = error.__cause__ or error
            broken[path] = str(reason) or type(reason).__name__
            continue
        Image.fromarray(inferencer.panel(path, sample)).save(panels[path], "PNG")
        inferencer.save(sample, out, path.stem)
    return broken


def find_images(names: Sequence[str | Path]) -> list[Path]:
    """List image files, and the images in folders, by the suffixes of supported formats.

    Raises:
        FileNotFoundError: A file is missing, or a folder has no image.
        ValueError: Several have the same stem, so their predictions would overwrite each other.
    """
    found: list[Path] = []
    suffixes = {end for end, name in Image.registered_extensions().items() if name in FORMATS}
    for path in map(Path, names):
        if path.is_dir():
            # hidden files are no images: macOS puts a ._a.jpg beside each a.jpg
            files = (p for p in path.iterdir() if not p.is_dir() and p.name[0] != ".")
            inside = sorted(p for p in files if p.suffix.lower() in suffixes)
            if not inside:
                raise FileNotFoundError(f"no image in {path}")
            found += inside
        elif path.is_file():
            found.append(path)
        else:
            raise FileNotFoundError(f"no image {path}")
    name, count = Counter(path.stem for path in found).most_common(1)[0]
    if count > 1:
        same = ", ".join(str(path) for path in found if path.stem == name)
        raise ValueError(f"predictions of {same} would replace each other: give each its own --out")
    return found


def parse_args() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(
        description="Predict the tasks of images; write a panel for each, and the predictions."
    )
    parser.add_argument("images", nargs="+", help="image files or folders of images")
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
