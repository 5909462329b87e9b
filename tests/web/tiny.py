"""A model of three kinds of task, small and untrained, whose embeddings are visible."""

from __future__ import annotations

from pathlib import Path

import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmseg.registry import MODELS

from mtlplugins.apis import load_config
from mtlplugins.common.arguments import parse_cfg_options
from mtlplugins.datasets import RoomsDataset

SIZE = (64, 96)
TASKS = ("semantic", "depth", "scene")
CONFIG = "mtlplugins::rooms/swin_cond_rooms.py"
#: Options that make the config's model small.
TINY = ("model.backbone.depths=(1,1,1,1)", "model.backbone.plan.attention=all")


def tiny_config() -> Config:
    return load_config(CONFIG, parse_cfg_options(TINY))


def write_checkpoint(cfg: Config, path: Path, *, seed: int = 0) -> str:
    init_default_scope("mmseg")
    torch.manual_seed(seed)
    model = MODELS.build(cfg.model)
    for parameter in model.parameters():  # conditioned modules start at zero
        torch.nn.init.normal_(parameter, std=0.2)
    meta = dict(dataset_meta=RoomsDataset(1, tasks=TASKS).metainfo)
    torch.save(dict(state_dict=model.state_dict(), meta=meta), path)
    return str(path)
