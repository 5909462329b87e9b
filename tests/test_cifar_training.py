"""An epoch on 2,000 images through the runner: both losses fall, and accuracy is above chance."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from mtlplugins.apis import load_config
from mtlplugins.engine import MultiTaskRunner
from tests._data import make_cifar
from tests.tools.command import ROOT

SMALL = {
    "model.backbone.input_size": 32,
    "model.backbone.patch_size": 8,
    "model.backbone.embed_dims": 32,
    "model.backbone.depth": 2,
    "model.backbone.head_dims": 16,
    "model.neck.in_channels": 512,
    "model.neck.out_channels": 64,
    **{f"model.heads.{task}.in_channels": 64 for task in ("label", "superclass")},
    **{f"model.heads.{task}.hidden": (32,) for task in ("label", "superclass")},
    "train_dataloader.dataset.indices": 2000,
    "train_dataloader.batch_size": 50,
    "train_cfg.max_epochs": 1,
    "optim_wrapper.optimizer.lr": 3e-3,
    "param_scheduler.0.eta_max": 3e-3,
    "default_hooks.logger.interval": 1,
    "log_processor.window_size": 1,
    **{f"{part}_dataloader.num_workers": 0 for part in ("val", "test")},
    **{f"{part}_dataloader.persistent_workers": False for part in ("val", "test")},
    "train_dataloader.num_workers": 1,
}


def test_both_losses_fall(tmp_path: Path) -> None:
    make_cifar(tmp_path, batch=500)
    options = SMALL | {"data_root": str(tmp_path)}
    cfg = load_config(str(ROOT / "configs/cifar/vit_multi_cifar10_ours.py"), options)
    cfg.work_dir = str(tmp_path / "work")
    MultiTaskRunner.from_cfg(cfg).train()
    (log,) = tmp_path.glob("work/*/vis_data/scalars.json")
    entries = [json.loads(line) for line in log.read_text().splitlines()]
    steps = [entry for entry in entries if "iter" in entry]
    assert len(steps) == 40
    for task in ("label", "superclass"):
        losses = np.array([entry[f"{task}_loss"] for entry in steps])
        assert losses[-8:].mean() < 0.8 * losses[:8].mean()
    # on images not trained on: chance is 10 and 60 %
    scores = entries[-1]
    assert scores["label/top1"] > 40
    assert scores["superclass/top1"] > 80
    assert scores["label/cross_entropy"] < 2.0
