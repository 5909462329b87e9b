"""Logged values are the same as with MMEngine's hook, also where they wait for the log."""

from __future__ import annotations

from pathlib import Path

import torch
from mmengine.hooks import Hook, LoggerHook
from mmengine.model import BaseModel
from mmengine.optim import OptimWrapper
from mmengine.runner import Runner
from torch import Tensor, nn

from mtlplugins.engine import BatchedInfoHook
from mtlplugins.engine.speed.batched_info_hook import fetched

STEPS = 5


class OnGpu(Tensor):
    """A tensor that says it is elsewhere."""

    is_cpu = False


class Model(BaseModel):
    """One weight that falls; its logged values look as if a GPU had them."""

    def __init__(self, kind: type[Tensor]) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(1 / 3))
        self.kind = kind

    def forward(self) -> Tensor:
        return self.weight.exp()

    def train_step(self, data: list, optim_wrapper: OptimWrapper) -> dict[str, Tensor | float]:
        loss = self()
        optim_wrapper.update_params(loss)
        return dict(loss=loss.as_subclass(self.kind), weight=0.25)


class Look(Hook):
    """Note how many losses the message hub has after each iteration."""

    priority = "VERY_LOW"

    def __init__(self) -> None:
        self.counts: list[int] = []

    def after_train_iter(self, runner: Runner, *args: object, **kwargs: object) -> None:
        history = runner.message_hub.log_scalars.get("train/loss")
        self.counts.append(0 if history is None else len(history.data[0]))


def histories(work_dir: Path, hook: object, kind: type[Tensor] = Tensor) -> tuple[dict, list[int]]:
    look = Look()
    runner = Runner(
        Model(kind),
        str(work_dir),
        train_dataloader=dict(
            dataset=[0] * STEPS, batch_size=1, sampler=dict(type="DefaultSampler", shuffle=False)
        ),
        train_cfg=dict(by_epoch=True, max_epochs=1),
        optim_wrapper=dict(optimizer=dict(type="SGD", lr=0.1), clip_grad=dict(max_norm=0.5)),
        default_hooks=dict(runtime_info=hook, logger=LoggerHook(interval=3)),
        custom_hooks=[look],
        default_scope="mmseg",
        log_level="WARNING",
        experiment_name=work_dir.name + str(work_dir.parent).replace("/", "_"),
    )
    runner.train()
    scalars = runner.message_hub.log_scalars
    saved = torch.load(work_dir / "epoch_1.pth", weights_only=False)["message_hub"]["log_scalars"]
    names = ("train/loss", "train/weight", "train/grad_norm")
    for name in names:
        assert list(saved[name].data[0]) == list(scalars[name].data[0])
    return {name: list(scalars[name].data[0]) for name in names}, look.counts


def test_histories_are_those_of_mmengines_hook(tmp_path: Path) -> None:
    plain, _ = histories(tmp_path / "plain", dict(type="RuntimeInfoHook"))
    now, counts = histories(tmp_path / "now", BatchedInfoHook())
    assert now == plain
    assert counts == [1, 2, 3, 4, 5]
    assert len(set(plain["train/loss"])) == len(set(plain["train/grad_norm"])) == STEPS
    late, counts = histories(tmp_path / "late", BatchedInfoHook(), OnGpu)
    assert late == plain
    assert counts == [0, 0, 3, 3, 5]  # at the log's interval, and at the end of the epoch


def test_one_copy_keeps_every_number() -> None:
    """A third in three types, and what is no single number stays."""
    third = torch.tensor(1 / 3, dtype=torch.float64)
    steps = [dict(a=third, b=third.float()), dict(b=third.bfloat16()[None], c=0.5, d=torch.ones(2))]
    found = fetched(steps)
    assert found[0] == dict(a=1 / 3, b=third.float().item())
    assert found[1] == dict(b=third.bfloat16().item(), c=0.5, d=steps[1]["d"])
    assert fetched([{}, {}]) == [{}, {}]
