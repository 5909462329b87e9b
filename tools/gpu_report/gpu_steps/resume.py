"""Exactness of repeated and resumed runs on this device."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import torch
from benchmarks.tables import Table

from .commands import train
from .steps import Setting

CONFIG = "configs/rooms/swin_cond_rooms.py"
EPOCHS = 2


def measure(setting: Setting, *, length: int) -> Iterator[Table]:
    """Train twice from the start, and resume the first run at half its length; yields tables."""
    rows: list[tuple[str, str, str, float]] = []
    for deterministic in (False,) if setting.rehearse else (False, True):
        ways = "deterministic algorithms" if deterministic else "as usual"
        options = [
            f"train_cfg.max_epochs={EPOCHS}",
            f"param_scheduler.0.total_steps={EPOCHS}",
            f"train_dataloader.dataset.length={length}",
            "val_dataloader.dataset.length=4",
            f"randomness.deterministic={deterministic}",
        ]
        root = setting.scratch / f"resume_{deterministic}"
        whole, again, resumed = (root / name for name in ("whole", "again", "resumed"))
        train(CONFIG, whole, options, setting)
        wanted = _weights(whole)
        train(CONFIG, again, options, setting)
        rows.append((ways, "again from the start", *_compared(_weights(again), wanted)))
        resumed.mkdir()
        shutil.copy(whole / "epoch_1.pth", resumed)
        train(CONFIG, resumed, options, setting, resume=True)
        rows.append((ways, "resumed from the middle", *_compared(_weights(resumed), wanted)))
        yield Table(
            "A run repeated and resumed",
            ("algorithms", "run", "weights bit by bit", "largest difference"),
            rows,
            f"{Path(CONFIG).stem}, {EPOCHS} epochs of {length} images, against an unbroken run.",
        )


def _weights(work_dir: Path) -> dict[str, torch.Tensor]:
    file = work_dir / f"epoch_{EPOCHS}.pth"
    return torch.load(file, map_location="cpu", weights_only=False)["state_dict"]


def _compared(found: dict[str, torch.Tensor], wanted: dict[str, torch.Tensor]) -> tuple[str, float]:
    same = all(torch.equal(found[name], value) for name, value in wanted.items())
    apart = max(
        float((found[name].double() - value.double()).abs().max()) for name, value in wanted.items()
    )
    return "the same" if same else "different", apart
