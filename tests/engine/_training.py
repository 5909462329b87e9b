"""A small training for the tests of hooks."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import pytest
import torch
from mmengine.model import BaseModel
from mmengine.optim.optimizer import amp_optimizer_wrapper
from mmengine.runner import Runner
from torch import nn

import mtlplugins  # noqa: F401
from mtlplugins.structures import MultiTaskDataSample

COUNT = 8  # images, of which a batch has two


#: Optimizer wrappers, of which the last needs :func:`scale_on_cpu` here.
WRAPPERS = {
    "plain": dict(type="OptimWrapper"),
    "clipped": dict(type="OptimWrapper", clip_grad=dict(max_norm=0.1)),
    "bfloat16": dict(type="Bf16OptimWrapper"),
    "scaled": dict(type="AmpOptimWrapper", dtype="bfloat16", clip_grad=dict(max_norm=0.1)),
}


def scale_on_cpu(patch: pytest.MonkeyPatch) -> None:
    """Let MMEngine's wrapper with a gradient scaler run here."""
    scaler = functools.partial(torch.amp.GradScaler, "cpu", init_scale=4.0)
    patch.setattr(amp_optimizer_wrapper, "GradScaler", scaler)
    patch.setattr(amp_optimizer_wrapper, "is_cuda_available", lambda: True)


class Numbers(torch.utils.data.Dataset):
    """Items of three numbers; ``wrong`` says what is in those that are not."""

    def __init__(self, wrong: dict[int, float], *, count: int = COUNT) -> None:
        self.values = torch.randn(count, 3, generator=torch.Generator().manual_seed(0))
        for index, value in wrong.items():
            self.values[index, 0] = value

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, index: int) -> dict:
        meta = dict(img_path=f"{int(index)}.jpg")
        return dict(inputs=self.values[index], data_samples=MultiTaskDataSample(metainfo=meta))


class TwoTasks(BaseModel):
    """A task that sees the numbers and one that sees their signs, behind a batch norm."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.norm = nn.BatchNorm1d(3)
        self.heads = nn.ModuleDict(dict(depth=nn.Linear(3, 1), sign=nn.Linear(3, 1)))

    def forward(self, inputs: list, data_samples: list, mode: str) -> dict[str, torch.Tensor]:
        values = torch.stack(inputs)
        sign = self.heads["sign"](values.nan_to_num(0, 0, 0).sign()).float()
        depth = self.heads["depth"](self.norm(values)).float()
        # at an input of 7 the loss is finite, but sqrt's slope at 0 is not
        where = (values == 7).any(1)
        edge = torch.where(where, depth[:, 0] * 0, 1.0).sqrt().mean()
        # at one of 9 the loss is infinite, but its slopes are as ever
        edge = edge + torch.where((values == 9).any(), torch.inf, 0.0)
        return dict(depth_loss=depth.square().mean() + edge, sign_loss=(sign - 1).square().mean())


def train(
    work_dir: Path,
    dataset: Numbers,
    *,
    action: str | None = "skip",
    wrapper: dict | None = None,
    launcher: str = "none",
    batch_size: int = 2,
    optimizer: dict = dict(type="AdamW", lr=0.1, weight_decay=0.1),  # noqa: B006
) -> dict[str, Any]:
    """Train an epoch in order; give weights, buffers and the optimizer's state."""
    runner = Runner(
        TwoTasks(),
        str(work_dir),
        train_dataloader=dict(
            batch_size=batch_size,
            num_workers=0,
            dataset=dataset,
            sampler=dict(type="DefaultSampler", shuffle=False),
        ),
        train_cfg=dict(by_epoch=True, max_epochs=1),
        optim_wrapper=dict(optimizer=dict(optimizer)) | (wrapper or {}),
        default_hooks=dict(checkpoint=None),
        custom_hooks=[dict(type="NonFiniteHook", action=action)] if action else [],
        default_scope="mmseg",
        log_level="WARNING",
        experiment_name=str(work_dir).replace("/", "_"),
        launcher=launcher,
    )
    runner.train()
    model = getattr(runner.model, "module", runner.model)
    return dict(
        model={name: value.clone() for name, value in model.state_dict().items()},
        optimizer=runner.optim_wrapper.state_dict(),
        skipped=runner.message_hub.get_info("batches_skipped", 0),
    )


class Without(Numbers):
    """The same items but some."""

    def __init__(self, left_out: set[int]) -> None:
        super().__init__({})
        self.values = self.values[[i for i in range(COUNT) if i not in left_out]]


def assert_same(one: dict[str, Any], other: dict[str, Any]) -> None:
    torch.testing.assert_close(one["model"], other["model"], rtol=0, atol=0)
    torch.testing.assert_close(one["optimizer"], other["optimizer"], rtol=0, atol=0)
