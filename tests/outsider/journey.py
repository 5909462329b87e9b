"""Train, stop, resume, test, predict and fold with the package edgelab; print the results."""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path

import numpy as np
import torch
from mmengine.config import Config
from mmseg.registry import DATASETS, METRICS

from mtlplugins.analysis.data_check import check_config
from mtlplugins.apis import blind_scores, load_config, predict, test, train
from mtlplugins.models import fold
from tests._data import make_image, write, write_labels, write_split

TRAIN = ("desk_1", "desk_2", "shelf_1", "shelf_2")
VAL = ("desk_3", "shelf_3")


def rim(number: int) -> np.ndarray:
    """The outline of the scan's bright rectangle: 32 of 16 x 24 pixels."""
    crack = np.zeros((16, 24), bool)
    crack[4:12, 4 + number : 14 + number] = True
    crack[5:11, 5 + number : 13 + number] = False
    return crack


def write_scans(root: Path) -> None:
    """Write six scans, shelf_2 without cracks; in the first row they are unknown."""
    cracks = {}
    for number, name in enumerate(TRAIN + VAL):
        image = make_image(number, size=(16, 24)) // 2
        image[4:12, 4 + number : 14 + number] = 250
        write(root / "scans" / name / "photo.png", image)
        cracks[name] = rim(number).astype(np.int8)
        cracks[name][0] = -1
    del cracks["shelf_2"]
    np.savez(root / "cracks.npz", **cracks)
    write_labels(root / "places.json", {name: name.split("_")[0] for name in TRAIN + VAL})
    write_split(root / "train.txt", TRAIN)
    write_split(root / "val.txt", VAL)


def config(root: Path, **options: object) -> Config:
    options["data_root"] = str(root / "data")
    return load_config(str(Path(__file__).parent / "config.py"), options)


def digest(model: torch.nn.Module) -> str:
    found = hashlib.sha256()
    for name, value in sorted(model.state_dict().items()):
        found.update(name.encode() + value.numpy().tobytes())
    return found.hexdigest()


def main(root: Path) -> None:
    torch.set_num_threads(1)
    write_scans(root / "data")
    whole = train(config(root), work_dir=root / "whole").model
    train(config(root, **{"train_cfg.max_epochs": 1}), work_dir=root / "parts")
    resumed = train(config(root), work_dir=root / "parts", resume=True).model
    report = dict(whole=digest(whole), resumed=digest(resumed))

    out = str(root / "test")
    report["scores"] = test(
        config(root), root / "whole", work_dir=str(root / "log"), out=out, show_dir=out
    )
    image = root / "data/scans/desk_1/photo.png"
    report["unreadable"] = list(
        predict([image], config(root), root / "whole/epoch_2.pth", out=root / "predicted")
    )

    cfg = config(root)
    seen, unseen = (
        DATASETS.build(cfg[f"{split}_dataloader"].dataset | dict(pipeline=cfg.unflipped))
        for split in ("train", "val")
    )
    samples = [[part[i]["data_samples"] for i in range(len(part))] for part in (seen, unseen)]
    metric = METRICS.build(dict(type="CrackMetric", task="cracks"))
    report["blind"] = blind_scores(*samples, [metric], unseen.metainfo)
    problems = check_config(config(root), workers=0, progress=False).problems
    report["problems"] = [problem.message for problem in problems if problem.error]

    gate = whole.backbone.stages[0].blocks[0].conditional_gate.generator.weight
    report["gate"] = gate.abs().max().item()
    item = unseen[0]
    batch = dict(inputs=[item["inputs"]], data_samples=[item["data_samples"]])
    with torch.no_grad():
        full = whole.eval().test_step(batch)[0].pred_cracks.data
        folded = fold(whole, "cracks").test_step(batch)[0].pred_cracks.data
    report["folded"] = (full - folded).abs().max().item()
    (root / "report.json").write_text(json.dumps(report))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
