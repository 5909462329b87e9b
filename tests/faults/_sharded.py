"""Sharded training and DDP, in processes that a launcher starts.

Run by hand: ``python -m torch.distributed.run --standalone --nproc-per-node=2 _sharded.py FOLDER``.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config
from mmengine.model import BaseDataPreprocessor, convert_sync_batchnorm
from mmengine.optim import OptimWrapper
from mmengine.registry import init_default_scope
from mmengine.runner import Runner
from mmseg.registry import MODELS, RUNNERS
from torch import Tensor

import mtlplugins  # noqa: F401
from mtlplugins.apis import load_config
from mtlplugins.engine import UpdateGuard
from mtlplugins.engine.sharding import gather, shard
from mtlplugins.models.conditioning import conditional_modules
from tests.configs._reduced import reduce_config
from tests.faults._ranks import ALL, MODEL_CONFIGS, SIZE, STEPS, Samples
from tests.models._encoders import timm_config
from tests.models._models import CLASSES, SWIN, model_config, perturb
from tests.models.backbones._timm import FAMILIES

CONFIG = Path(__file__).parents[2] / "configs/rooms/swin_cond_rooms_sharded.py"
PARTS = ("train", "val", "test")
#: Six steps of an epoch in two processes, and a validation of an odd number of images.
OPTIONS = {
    "train_dataloader.batch_size": 2,
    "train_dataloader.dataset.length": 11,
    "val_dataloader.dataset.length": 5,
    "test_dataloader.dataset.length": 5,
    "default_hooks.logger.interval": 1,
    "optim_wrapper.clip_grad.max_norm": 1.0,  # so that it clips
    "default_hooks.checkpoint.save_best": "depth/d1",
    "default_hooks.checkpoint.rule": "greater",
    **{f"{part}_dataloader.num_workers": 0 for part in PARTS},
    **{f"{part}_dataloader.persistent_workers": False for part in PARTS},
}

_plan = dict(attention="all", norm="all", adapter="all")
_first_map = dict(
    type="FCNHead",
    in_channels=16,
    in_index=0,
    channels=8,
    num_convs=1,
    dropout_ratio=0.0,
    loss_decode=dict(type="CrossEntropyLoss", avg_non_ignore=True),
)


def _halves(step: Sequence) -> tuple[list, list]:
    cut = step.index("|")
    return [t for t in step[:cut] if t != "/"], [t for t in step[cut + 1 :] if t != "/"]


#: By name, a model and, for each step, the targets of each process's images.
CASES: dict[str, tuple[dict, list[tuple[list, list]]]] = {
    name: (config, [_halves(step) for step in STEPS.values()])
    for name, config in MODEL_CONFIGS.items()
}
#: A task of the first map alone, which the other process has not: half of the blocks are not in
#: the way of its loss.
CASES["a task of the first map"] = (
    model_config(
        _plan,
        heads=dict(
            semantic=dict(type="MultiTaskDecodeHead", num_classes=CLASSES, head=_first_map),
            scene=dict(type="ClassificationHead", in_channels=128, num_classes=3),
        ),
        decoders={},
    ),
    [([("semantic",)], [("scene",)]), ([("semantic", "scene")], [("semantic",)])],
)
#: A process whose images have targets of frozen tasks alone has no row, and runs no encoder.
CASES["a process without a row"] = (
    model_config(_plan, frozen_tasks=("semantic",)),
    [([("depth",), ALL], [("semantic",)]), ([("semantic",)], [("scene", "depth")])],
)
CASES["a frozen encoder"] = (
    model_config(
        backbone=dict(
            type="CondSwinTransformer",
            plan=dict(attention=(0, 0, 1, 1), adapter=(0, 0, 1, 1), frozen=True, embed_dims=8),
            **SWIN,
        )
    ),
    [([("depth",), ALL], [("semantic",)]), ([ALL], [ALL])],
)
CASES["low rank and singular values in a frozen encoder"] = (
    model_config(
        backbone=dict(
            type="CondSwinTransformer",
            plan=dict(low_rank="all", singular=(0, 0, 1, 1), frozen=True, embed_dims=8),
            **SWIN,
        )
    ),
    [([("depth",), ALL], [("semantic",)]), ([ALL], [ALL])],
)
for _family in ("ViT", "MobileNetV4"):
    CASES[f"timm's {_family}"] = (
        model_config(**timm_config(_family, FAMILIES[_family][2])),
        [([("depth",), ALL], [("semantic",)]), ([ALL], [ALL])],
    )
#: A step that goes backward several times, and balancing that keeps or combines gradients in it.
_by_task = dict(step=dict(type="TaskByTask"))
_last = dict(attention=(0, 0, 1, 1), adapter=(0, 0, 1, 1), norm=(0, 0, 1, 1))
for _name, (_plan_of_case, _balancing) in {
    "Swin": (_plan, "Fixed"),
    "Swin's last blocks": (_last, "Fixed"),
    "weights from losses": (_last, "Log"),
    "UPGrad": (_last, "UPGrad"),
    "gradients of features": (_last, dict(type="CAGrad", at="features")),
    "random weights": (_plan, "Random"),
}.items():
    _method = dict(type=_balancing) if isinstance(_balancing, str) else _balancing
    _model = model_config(_plan_of_case, balancing=_method, **_by_task)
    CASES[f"task by task: {_name}"] = (_model, CASES["Swin"][1])
CASES["task by task: a process without a row"] = (
    model_config(_plan, frozen_tasks=("semantic",), **_by_task),
    CASES["a process without a row"][1],
)


def take_steps(name: str, rank: int | None) -> dict[str, Tensor]:
    """Train on a process's part of each step's images, or on all; give the final weights."""
    config, steps = CASES[name]
    torch.manual_seed(0)
    init_default_scope("mmseg")
    model = MODELS.build(config | dict(type="MultiTaskModel")).double()
    model.init_weights()
    perturb(p for m in conditional_modules(model) for p in m.parameters())
    perturb(model.heads.parameters())
    start = {name: value.clone() for name, value in model.state_dict().items()}
    optimizer = torch.optim.SGD(model.parameters(), lr=0.02)
    if rank is not None:
        model = convert_sync_batchnorm(model, "torch")
        shard(model, optimizer)
    data = Samples([targets for step in steps for part in step for targets in part])
    numbers = iter(range(len(data)))
    wrapper = OptimWrapper(optimizer)
    model.train().data_preprocessor = BaseDataPreprocessor()
    for step in steps:
        parts = [[next(numbers) for _ in part] for part in step]
        taken = parts[0] + parts[1] if rank is None else parts[rank]
        inputs = torch.stack([data[i]["inputs"] for i in taken]).double() / 60 - 2
        samples = [data.sample(i) for i in taken]
        model.train_step(dict(inputs=inputs, data_samples=samples), wrapper)
    state = model.state_dict() if rank is None else gather(model.state_dict())
    changed = (not torch.equal(state[name], value) for name, value in start.items())
    assert rank == 1 or sum(changed) > 10  # what rank 1 gathers is of no use
    return state


def refuse_a_step(rank: int) -> dict[str, Any]:
    """Let the loss of one process be NaN; say whether a step was taken, and what it changed."""
    model = MODELS.build(CASES["Swin"][0] | dict(type="MultiTaskModel"))
    wrapper = OptimWrapper(torch.optim.AdamW(model.parameters(), lr=0.1))
    shard(model, wrapper.optimizer)
    guard = UpdateGuard(wrapper)
    before = gather(model.state_dict())
    losses = model(torch.randn(1, 3, *SIZE), [Samples([ALL]).sample(0)], mode="loss")
    wrapper.update_params(losses["depth_loss"] * (float("nan") if rank else 1.0))
    after = gather(model.state_dict())
    same = all(torch.equal(after[name], value) for name, value in before.items())
    return dict(taken=guard.take_verdict(), same=same, state=len(wrapper.optimizer.state))


def rooms_config(work_dir: Path, *, runner_type: str = "ShardedRunner", **settings: Any) -> Config:
    """The small config, smaller, for two processes."""
    cfg = load_config(str(CONFIG), OPTIONS)
    reduce_config(cfg)
    settings |= dict(work_dir=str(work_dir), launcher="pytorch", log_level="WARNING")
    # else each process validates with the batch statistics of its own images
    settings["sync_bn"] = "torch"
    for key, value in settings.items():
        cfg[key] = value
    cfg.experiment_name = f"{work_dir.name}_{runner_type}"
    cfg.runner_type = runner_type
    return cfg


def train(work_dir: Path, **settings: Any) -> Runner:
    runner = RUNNERS.build(rooms_config(work_dir, **settings))
    runner.train()
    return runner


def elements(runner: Runner) -> dict[str, int]:
    """How many numbers this process holds between two steps."""

    def held(tensor: Tensor) -> int:
        return tensor.to_local().numel() if hasattr(tensor, "to_local") else tensor.numel()

    parameters = dict(runner.model.named_parameters())
    # a state dict has the parts alone, also where validation has gathered all
    weights = [value for name, value in runner.model.state_dict().items() if name in parameters]
    state = runner.optim_wrapper.optimizer.state.values()
    return dict(
        weights=sum(map(held, weights)),
        optimizer=sum(held(v) for values in state for v in values.values()),
        whole=sum(p.numel() for p in parameters.values()),
        tensors=len(parameters),
    )


#: What stands between the loss and the step, besides clipping by the norm as the config has it.
WRAPPER = dict(
    type="Bf16OptimWrapper",
    optimizer=dict(type="AdamW", lr=1e-3),
    accumulative_counts=2,
    clip_grad=dict(type="value", clip_value=0.01),
)


def work(folder: Path, rank: int) -> None:
    held = {}
    for name, runner_type in (("sharded", "ShardedRunner"), ("copies", "MultiTaskRunner")):
        held[name] = elements(train(folder / name, runner_type=runner_type))
        train(folder / f"{name}_bf16", runner_type=runner_type, optim_wrapper=WRAPPER)
    for source, target in (("sharded", "sharded"), ("sharded", "copies"), ("copies", "sharded")):
        train(
            folder / f"{source}_then_{target}",
            runner_type="ShardedRunner" if target == "sharded" else "MultiTaskRunner",
            resume=True,
            load_from=str(folder / source / "epoch_1.pth"),
        )
    states = {name: take_steps(name, rank) for name in CASES}
    refused = refuse_a_step(rank)
    torch.save(dict(held=held, states=states, refused=refused), folder / f"{rank}.pt")


if __name__ == "__main__":
    torch.set_num_threads(1)
    work(Path(sys.argv[1]), int(os.environ["RANK"]))
