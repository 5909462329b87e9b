"""Panels of a run: predictions for a few images of its test data."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.registry import init_default_scope
from mmseg.registry import DATASETS, MODELS
from PIL import Image

from mtlplugins.io.checkpoint import load_state, read_checkpoint
from mtlplugins.kinds import parts
from mtlplugins.visualization import image_of

from .runs import Run

IMAGES = 6
WIDTH = 240
#: Version of the cache of panels; increase it when panels are drawn differently.
_VERSION = 1


@dataclass(frozen=True)
class Panel:
    """Files of an image: ground truth, prediction and colour key by task, where there are any.

    ``name`` identifies the image, and is the same in every run on the same data.
    """

    name: str
    image: Path
    truth: dict[str, Path]
    prediction: dict[str, Path]
    key: dict[str, Path]


@dataclass(frozen=True)
class PanelSet:
    """Panels of a run, or the reason why it has none (``note``)."""

    panels: list[Panel] = field(default_factory=list)
    note: str = ""


def draw_panels(run: Run) -> PanelSet:
    """Predict six images, evenly spaced over the test data, with a run's last checkpoint.

    The panels are cached in ``panels/`` of the work dir, and drawn again for a new checkpoint.
    """
    if run.checkpoint is None:
        return PanelSet(note="its checkpoint is not there (any more)")
    stamp = run.checkpoint.stat().st_mtime_ns
    folder = run.work_dir / "panels" / f"{run.checkpoint.stem}_{stamp}_v{_VERSION}"
    index = folder / "panels.json"
    if not index.is_file():
        try:
            entries = _predict(run, folder)
        except Exception as error:  # missing data or model, …: the scores still count
            return PanelSet(note=f"{type(error).__name__}: {error}")
        index.write_text(json.dumps(entries, indent=1), encoding="utf-8")
    return PanelSet([_load(entry, folder) for entry in json.loads(index.read_text("utf-8"))])


def spaced(length: int, count: int = IMAGES) -> list[int]:
    """Return the middle indices of ``count`` equal parts of a data set, each once."""
    return sorted({(2 * part + 1) * length // (2 * count) for part in range(count)})


@torch.no_grad()
def _predict(run: Run, folder: Path) -> list[dict[str, Any]]:
    cfg = run.config
    init_default_scope("mmseg")
    dataset = DATASETS.build((cfg.get("test_dataloader") or cfg.val_dataloader).dataset)
    model = MODELS.build(cfg.model)
    state, _ = read_checkpoint(str(run.checkpoint))
    load_state(model, state, str(run.checkpoint))
    model.to("cuda" if torch.cuda.is_available() else "cpu").eval()
    folder.mkdir(parents=True, exist_ok=True)
    entries = []
    for index in spaced(len(dataset)):
        item = dataset[index]
        batch = dict(inputs=[item["inputs"]], data_samples=[item["data_samples"]])
        sample = model.test_step(batch)[0].cpu()
        pixels = image_of(sample, item["inputs"])
        stem = Path(sample.get("img_path") or str(index)).stem
        name = f"image {index + 1} of {len(dataset)}: {stem}"
        height = max(1, round(pixels.shape[0] * WIDTH / pixels.shape[1]))
        tiles = {"image": np.asarray(Image.fromarray(pixels).resize((WIDTH, height)))}
        for task, entry in dataset.metainfo["tasks"].items():
            fields = [sample.get(f"{which}_{task}") for which in ("gt", "pred")]
            drawers = parts(entry["kind"], "drawer")
            if any(found is not None for found in fields) and drawers:
                drawing = drawers[-1](*fields, entry, (height, WIDTH))
                found = zip(("truth", "prediction", "key"), drawing, strict=True)
                tiles |= {f"{which}/{task}": tile for which, tile in found if tile is not None}
        files = {}
        for number, (what, tile) in enumerate(tiles.items()):
            if min(tile.shape[:2]) > 1:  # a kind without a key draws a single pixel
                files[what] = f"{index}_{number}.webp"
                Image.fromarray(tile).save(folder / files[what], quality=88)
        entries.append(dict(name=name, files=files))
    return entries


def _load(entry: dict[str, Any], folder: Path) -> Panel:
    parts: dict[str, dict[str, Path]] = dict(truth={}, prediction={}, key={})
    for what, file in entry["files"].items():
        which, _, task = what.partition("/")
        if task:
            parts[which][task] = folder / file
    return Panel(entry["name"], folder / entry["files"]["image"], **parts)
