"""Small training runs whose numbers are recorded: 20 steps, seed 0, one thread, float32."""

from __future__ import annotations

import hashlib
import os
import platform
import signal
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.config import ConfigDict
from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmseg.registry import HOOKS, RUNNERS

from mtlplugins.apis import load_config
from tests._data import make_cifar, make_nyuv2

ROOT = Path(__file__).parents[2]
EPOCHS, STEPS, BATCH = 2, 10, 4  # 20 steps, and a validation behind each ten

_ROOMS = {
    "train_dataloader.dataset.length": STEPS * BATCH,
    "train_dataloader.dataset.size": (32, 48),
    "val_dataloader.dataset.length": 4,
    "val_dataloader.dataset.size": (32, 48),
    "model.backbone.drop_path_rate": 0.3,
}
_CIFAR = {
    "model.backbone.input_size": 32,
    "model.backbone.patch_size": 8,
    "model.backbone.embed_dims": 32,
    "model.backbone.depth": 2,
    "model.backbone.head_dims": 16,
    "model.neck.in_channels": 512,
    "model.neck.out_channels": 64,
    **{f"model.heads.{task}.in_channels": 64 for task in ("label", "superclass")},
    **{f"model.heads.{task}.hidden": (32,) for task in ("label", "superclass")},
    "train_dataloader.dataset.indices": STEPS * BATCH,
    "val_dataloader.dataset.indices": 8,
}
_RESNET = dict(
    type="CondResNet",
    depth=18,
    base_channels=8,
    stem_channels=8,
    plan=dict(layer_norm=(0, 1, 2, 2), adapter=(0, 0, 0, 2)),
)
_UNET = dict(type="ConvUNetDecoder", in_channels=(8, 16, 32, 64), channels=(16, 16, 16))


def _resnet(cfg: ConfigDict) -> None:
    cfg.model.backbone = ConfigDict(_RESNET)
    cfg.model.decoders = ConfigDict(semantic=_UNET, depth=_UNET)
    for task, channels in (("semantic", 16), ("depth", 16), ("scene", 64)):
        cfg.model.heads[task].in_channels = channels


def _all_modules(cfg: ConfigDict) -> None:
    cfg.model.backbone.plan = ConfigDict(
        attention=(0, 0, 4, 2), layer_norm=(0, 0, 2, 2), adapter=(0, 0, 0, 2)
    )


#: Of each run: its config, options, and what options cannot say.
RUNS: dict[str, tuple[str, dict[str, Any], Any]] = {
    "rooms_swin": ("rooms/swin_cond_rooms.py", _ROOMS, _all_modules),
    "four_tasks": ("rooms/swin_cond_4tasks_rooms.py", _ROOMS, None),
    "resnet": (
        "rooms/swin_cond_rooms.py",
        {key: value for key, value in _ROOMS.items() if "drop_path" not in key},
        _resnet,
    ),
    "cifar_vit": ("cifar/vit_multi_cifar10_ours.py", _CIFAR, None),
    "mixed": ("rooms/mixed_nyuv2_rooms.py", {"model.backbone.drop_path_rate": 0.3}, None),
}
#: A run that is stopped after 13 steps and resumed must end as this one does.
RESUMED = "rooms_swin"


@HOOKS.register_module()
class GoldenHook(Hook):
    """Note the total loss and the norm of the gradients at each step, and every score."""

    priority = "VERY_LOW"
    record: dict[str, Any]

    def __init__(self, stop_after: int | None = None) -> None:
        self.stop_after = stop_after

    def after_train_iter(self, runner: Runner, batch_idx: int, *args: Any, **kwargs: Any) -> None:
        scalars = runner.message_hub.log_scalars
        self.record["loss"].append(_exact(scalars["train/loss"].current()))
        self.record["grad_norm"].append(_exact(scalars["train/grad_norm"].current()))
        if runner.iter + 1 == self.stop_after:
            os.kill(os.getpid(), signal.SIGTERM)

    def after_val_epoch(self, runner: Runner, metrics: dict[str, float]) -> None:
        self.record["scores"].append({name: _exact(v) for name, v in sorted(metrics.items())})


def _exact(value: float) -> str:
    return float(value).hex()


def machine() -> dict[str, str]:
    """What has to be the same for numbers to be the same bit by bit."""
    model = platform.machine()
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith(("model name", "cpu family", "model\t")):
            model += "|" + line.partition(":")[2].strip()
        if not line:
            break
    return dict(
        python=".".join(map(str, sys.version_info[:2])),
        torch=torch.__version__,
        numpy=np.__version__,
        cpu=model,
        kernels=torch.backends.cpu.get_cpu_capability(),
    )


def train(name: str, folder: Path, *, resume: bool = False, stop_after: int | None = None) -> dict:
    """Run one to its end, or until it is stopped, and return what was noted."""
    torch.set_num_threads(1)
    config, options, change = RUNS[name]
    options = dict(options)
    if "cifar" in config:
        make_cifar(folder, batch=80)
        options["data_root"] = str(folder)
    if name == "mixed":
        root = folder / "nyuv2"
        make_nyuv2(root, frames=STEPS * 3 + 2, test=(1, 2), size=(36, 48))
        options["data_root"] = str(root)
    cfg = load_config(str(ROOT / "configs" / config), options)
    if change is not None:
        change(cfg)
    for part in ("train", "val", "test"):
        cfg[f"{part}_dataloader"].update(num_workers=0, persistent_workers=False, batch_size=BATCH)
    cfg.train_cfg.max_epochs = cfg.param_scheduler[0].total_steps = EPOCHS
    cfg.optim_wrapper.clip_grad = dict(max_norm=1.0)
    hooks = cfg.setdefault("default_hooks", {})
    hooks.update(visualization=None, logger=dict(interval=1))
    hooks.setdefault("checkpoint", {}).update(interval=1, max_keep_ckpts=2)
    cfg.custom_hooks = [
        *cfg.get("custom_hooks", []),
        dict(type="GoldenHook", stop_after=stop_after),
    ]
    cfg.work_dir = str(folder / "work")
    if resume:
        cfg.resume, cfg.load_from = True, str(folder / "work" / "interrupted.pth")
    GoldenHook.record = record = dict(loss=[], grad_norm=[], scores=[])
    runner = RUNNERS.build(cfg)
    try:
        runner.train()
    except SystemExit:
        return record
    record["weights"] = digest(runner.model.state_dict())
    return record


def digest(state: dict[str, torch.Tensor]) -> str:
    """SHA-256 of all weights and buffers, by name."""
    found = hashlib.sha256()
    for name, value in sorted(state.items()):
        found.update(name.encode())
        found.update(value.detach().contiguous().numpy().tobytes())
    return found.hexdigest()
