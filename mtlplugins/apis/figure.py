"""Figure for a paper, of one or several trained models on the same images: ``mtlplugins figure``.

    mtlplugins figure work_dirs/a work_dirs/b --out figure.pdf --errors --images 3 10

The work dirs are those of runs; the last or best checkpoint of each is taken. Images are numbers in
the first run's test data, or files, which have no ground truth.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from matplotlib.figure import Figure
from mmengine.structures import BaseDataElement
from mmseg.registry import DATASETS

from mtlplugins.analysis.results import read_run
from mtlplugins.analysis.results.panels import spaced
from mtlplugins.visualization import image_of
from mtlplugins.visualization.comparison import header, rows_of_image
from mtlplugins.visualization.figure import lay_out

from .inferencer import MultiTaskInferencer
from .test import find_checkpoint

SUFFIXES = (".png", ".pdf", ".svg")


def draw_figure(
    work_dirs: Sequence[str | Path],
    *,
    images: Sequence[int | str] = (),
    names: Sequence[str] = (),
    tasks: Sequence[str] | None = None,
    errors: bool = False,
    contours: bool = False,
    transposed: bool = False,
    device: str | None = None,
) -> Figure:
    """Compare trained models on the same images.

    Args:
        work_dirs: Folders of runs with their config and checkpoint.
        images: Numbers in the test data of the first run, from 0, or image files; by default three
            evenly spaced images of the test data.
        names: What the models are called; by default as their folders.
        tasks: Tasks to draw; None for all.
        errors: Whether to add error maps, where there is ground truth.
        contours: Whether to draw label maps as outlines over the image.
        transposed: Whether each task is a column instead of a row.
        device: ``'cpu'``, ``'cuda'``; None for the GPU if there is one.

    Raises:
        FileNotFoundError: There is no such folder, checkpoint or image.
        ValueError: Names do not fit the folders, an image's number is not in the test data, or no
            model has one of the tasks.
    """
    names = list(names) or [Path(folder).name for folder in work_dirs]
    if len(names) != len(work_dirs):
        raise ValueError(f"--names: {len(names)} names for {len(work_dirs)} work dirs")
    runs = [read_run(folder) for folder in work_dirs]
    models = [
        MultiTaskInferencer(run.config, find_checkpoint(str(run.work_dir)), device=device)
        for run in runs
    ]
    known = {task: entry for model in reversed(models) for task, entry in _entries(model)}
    if unknown := [task for task in tasks or () if task not in known]:
        raise ValueError(f"--tasks: no model has {unknown[0]!r}, only {', '.join(known)}")
    shown = {task: known[task] for task in tasks or known}
    rows = []
    truth = False
    for image, samples in _predicted(runs[0].config, models, images):
        rows += rows_of_image(image, samples, shown, errors=errors, outlines=contours)
        truth |= any(f"gt_{task}" in samples[0] for task in shown)
    return lay_out([header(names, truth=truth), *rows], transposed=transposed)


def _entries(model: MultiTaskInferencer) -> list[tuple[str, dict[str, Any]]]:
    described = model.dataset_meta["tasks"]
    return [(task, described[task]) for task in model.tasks]


@torch.no_grad()
def _predicted(
    cfg: Any, models: Sequence[MultiTaskInferencer], images: Sequence[int | str]
) -> Iterator[tuple[np.ndarray, list[BaseDataElement]]]:
    """Yield each image, RGB (H, W, 3), with the sample of each model."""
    for path in (image for image in images if isinstance(image, str)):
        predictions = [next(model.stream(path)) for model in models]
        yield predictions[0].image, [prediction.sample for prediction in predictions]
    numbers = [image for image in images if isinstance(image, int)]
    if images and not numbers:
        return
    dataset = DATASETS.build((cfg.get("test_dataloader") or cfg.val_dataloader).dataset)
    for number in numbers or spaced(len(dataset), 3):
        if not 0 <= number < len(dataset):
            raise ValueError(f"--images: {number} is not in the {len(dataset)} test images")
        samples = []
        for model in models:
            item = dataset[number]
            batch = dict(inputs=[item["inputs"]], data_samples=[item["data_samples"]])
            samples.append(model.model.test_step(batch)[0].cpu())
        yield image_of(samples[0], item["inputs"]), samples


def parse_args() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("work_dirs", nargs="+", metavar="WORK_DIR", help="folder of a run")
    parser.add_argument("--out", required=True, type=Path, help="file: .png, .pdf or .svg")
    parser.add_argument(
        "--images", nargs="+", default=[], help="numbers of test images, or files; three by default"
    )
    parser.add_argument("--names", nargs="+", default=[], help="names of the models")
    parser.add_argument("--tasks", help="tasks to draw, e.g. semantic,depth; all by default")
    parser.add_argument("--errors", action="store_true", help="add error maps")
    parser.add_argument(
        "--contours", action="store_true", help="draw label maps as outlines over the image"
    )
    parser.add_argument(
        "--layout", choices=("rows", "columns"), default="rows", help="where a task is: its own …"
    )
    parser.add_argument("--device", help="cpu, cuda, cuda:1; by default the GPU if there is one")
    args = parser.parse_args()
    if args.out.suffix not in SUFFIXES:
        parser.error(f"--out {args.out}: give a name that ends with {', '.join(SUFFIXES)}")
    return args


def main() -> None:
    """Run ``mtlplugins figure``."""
    args = parse_args()
    figure = draw_figure(
        args.work_dirs,
        images=[int(word) if word.isdecimal() else word for word in args.images],
        names=args.names,
        tasks=args.tasks.split(",") if args.tasks else None,
        errors=args.errors,
        contours=args.contours,
        transposed=args.layout == "columns",
        device=args.device,
    )
    args.out.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(args.out, dpi=300)
    print(f"written: {args.out}")
