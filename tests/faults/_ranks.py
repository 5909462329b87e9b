"""Training and validation by the real Runner, in one process or as one of several ranks.

Run by hand as each of the processes: ``python _ranks.py FOLDER``, with the variables of a launcher.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import torch
from mmengine.hooks import Hook
from mmengine.model import MMDistributedDataParallel
from mmengine.registry import init_default_scope
from mmengine.runner import Runner
from mmseg.registry import DATA_SAMPLERS, MODELS
from torch import Tensor
from torch.utils.data import Dataset

import mtlplugins  # noqa: F401
from mtlplugins.models import MultiTaskDataPreprocessor
from mtlplugins.models.conditioning import conditional_modules
from mtlplugins.structures import MultiTaskDataSample
from tests.models._models import CLASSES, SCENES, make_sample, model_config, perturb
from tests.models.backbones._vit import VIT
from tests.models.backbones.test_cond_resnet import SMALL

ALL = ("semantic", "depth", "scene")
#: The targets of each image of a step's global batch; ``-`` before a task: it has a target of
#: which no pixel is valid. ``|`` is where the batch is cut for two processes, ``/`` where four
#: processes' cuts are besides.
STEPS = {
    "all tasks everywhere": (ALL, "/", ALL, "|", ALL, "/", ALL),
    "unequal batches": (ALL, ALL, ALL, "/", ALL, "|", ALL, "/", ALL, ALL),
    "partly labelled": (
        ("semantic", "depth"), "/", ("depth", "scene"), ("semantic",), "|",
        ("depth",), "/", ("scene", "semantic"),
    ),
    "a process lacks a task": (
        ("semantic", "scene"), "/", ("semantic",), "|", ("depth", "scene"), "/", ("depth",), ALL,
    ),
    "each process has one task": (
        ("semantic",), "/", ("semantic",), ("semantic",), "|", ("depth",), "/", ("scene",),
    ),
    "nothing valid in a process": (
        ("-semantic", "depth"), "/", ("-semantic", "-depth", "scene"), "|", ALL, "/", ALL,
    ),
    "nothing valid anywhere": (
        ("-depth", "scene"), "/", ("-depth",), "|", ("semantic", "-depth"), "/", ("-depth",),
    ),
    "a task is nowhere": (
        ("semantic",), "/", ("semantic", "depth"), "|", ("depth",), "/", ("depth",),
    ),
    "and comes back": (ALL, "/", ALL, "|", ALL, "/", ALL),
}  # fmt: skip
IMAGES = [image for step in STEPS.values() for image in step if not isinstance(image, str)]
SIZE = (32, 48)
#: Images that are validated; no multiple of two or four.
VALIDATED = 7


def _conv_decoder(in_channels: Sequence[int]) -> dict:
    widths = (8,) * (len(in_channels) - 1)
    return dict(type="ConvUNetDecoder", in_channels=in_channels, channels=widths)


def _dense(decoder: dict, channels: int, last: int) -> dict:
    return dict(
        decoders=dict.fromkeys(("semantic", "depth"), decoder),
        heads=dict(
            semantic=dict(type="SegmentationHead", in_channels=channels, num_classes=CLASSES),
            depth=dict(type="DepthHead", in_channels=channels, min_depth=0.5, max_depth=10.0),
            scene=dict(type="ClassificationHead", in_channels=last, num_classes=SCENES),
        ),
    )


#: Swin has LayerNorms alone; the others' decoders, and all of ResNet, have batch norms.
MODEL_CONFIGS = {
    "Swin": model_config(dict(attention="all", norm="all", adapter="all")),
    "ViT": model_config(
        backbone=dict(
            type="CondVisionTransformer",
            plan=dict(attention="all", norm="all", adapter="all", embed_dims=8),
            **VIT | dict(out_indices=(0, 1, 2, 3)),
        ),
        neck=dict(
            type="MultiLevelNeck", in_channels=[16] * 4, out_channels=12, scales=[4, 2, 1, 0.5]
        ),
        **_dense(_conv_decoder((12,) * 4), 8, 12),
    ),
    "ResNet": model_config(
        backbone=dict(
            type="CondResNet",
            depth=18,
            # the first two stages see images, the others rows
            plan=dict(norm=(0, 0, 1, 2), adapter=(0, 0, 2, 1), embed_dims=8),
            **SMALL,
        ),
        **_dense(_conv_decoder((4, 8, 16, 32)), 8, 32),
    ),
}
#: A task is added to a trained model: batches without it are no reason for the others to wait.
TRAINED = MODEL_CONFIGS | {
    "ResNet and a new task": MODEL_CONFIGS["ResNet"] | dict(frozen_tasks=("semantic",))
}


@MODELS.register_module()
class PreciseDataPreprocessor(MultiTaskDataPreprocessor):
    """In float64, where the order of a sum does not show."""

    def forward(self, data: dict, training: bool = False) -> dict:
        data = super().forward(data, training)
        return data | dict(inputs=data["inputs"].double())


class Samples(Dataset):
    """Images of noise with the targets that are named."""

    metainfo = dict(
        tasks=dict(
            semantic=dict(kind="segmentation", classes=tuple("abcde"), ignore_index=255),
            depth=dict(kind="depth"),
            scene=dict(kind="classification", classes=tuple("xyz")),
        )
    )

    def __init__(self, targets: Sequence[Sequence[str]]) -> None:
        self.targets = targets

    def __len__(self) -> int:
        return len(self.targets)

    def __getitem__(self, index: int) -> dict:
        generator = torch.Generator().manual_seed(index)
        image = torch.randint(0, 256, (3, *SIZE), generator=generator, dtype=torch.uint8)
        return dict(inputs=image, data_samples=self.sample(index))

    def sample(self, index: int) -> MultiTaskDataSample:
        tasks = self.targets[index]
        name = f"{index}.png"
        sample = make_sample(
            *(t.removeprefix("-") for t in tasks), size=SIZE, seed=index, name=name
        )
        # unequally many valid pixels in each image
        if "gt_depth" in sample:
            sample.gt_depth.data[:, : None if "-depth" in tasks else 2 * index % 30] = 0
        if "gt_semantic" in sample:
            sample.gt_semantic.data[:, : None if "-semantic" in tasks else 3 * index % 30] = 255
        return sample


@DATA_SAMPLERS.register_module()
class GivenBatches:
    """The images of each step; of several processes each has its part, in order."""

    def __init__(self, sampler: object, batch_size: int) -> None:
        self.world = int(os.environ.get("WORLD_SIZE", 1))
        self.rank = int(os.environ.get("RANK", 0))

    def __len__(self) -> int:
        return len(STEPS)

    def __iter__(self) -> Iterator[list[int]]:
        cuts = {1: "", 2: "|", 4: "|/"}[self.world]
        number = 0
        for step in STEPS.values():
            parts: list[list[int]] = [[]]
            for item in step:
                if not isinstance(item, str):
                    parts[-1].append(number)
                    number += 1
                elif item in cuts:
                    parts.append([])
            assert len(parts) == self.world
            yield parts[self.rank]


class Keep(Hook):
    """Keep what is logged of each step and what it made of the model, and take the step back.

    Behind a few steps, batch norms over few pixels would have made much of rounding.
    """

    priority = "LOWEST"

    def __init__(self) -> None:
        self.losses: list[dict[str, Tensor]] = []
        self.states: list[dict[str, Tensor]] = []
        self.start: dict[str, Tensor] = {}

    def before_train(self, runner: Runner) -> None:
        self.start = _state(runner)

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: dict, outputs: dict
    ) -> None:
        self.losses.append({k: v.detach() for k, v in outputs.items() if "loss" in k})
        self.states.append(_state(runner))
        _bare(runner).load_state_dict(self.start)


def _bare(runner: Runner) -> torch.nn.Module:
    return getattr(runner.model, "module", runner.model)


def _state(runner: Runner) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in _bare(runner).state_dict().items()}


def train(name: str, folder: Path, launcher: str) -> dict:
    """Take each of the steps, then validate; give what was seen on the way."""
    init_default_scope("mmseg")
    torch.manual_seed(0)
    config = TRAINED[name] | dict(
        type="MultiTaskModel",
        task_weights=dict(depth=3.0),
        data_preprocessor=dict(
            type="PreciseDataPreprocessor", mean=[120.0] * 3, std=[60.0] * 3, pad_size_divisor=32
        ),
    )
    # the same weights everywhere; moved away from the start, where much of the gradient is zero
    model = MODELS.build(config).double()
    perturb(p for m in conditional_modules(model) for p in m.parameters())
    perturb(model.heads.parameters())
    model.init_weights = lambda: None
    keep = Keep()
    labels = [ALL if i % 3 else ("depth",) for i in range(VALIDATED)]
    runner = Runner(
        model,
        str(folder / name),
        train_dataloader=dict(
            num_workers=0,
            dataset=Samples(IMAGES),
            batch_sampler=dict(type="GivenBatches"),
            sampler=dict(type="DefaultSampler"),
            batch_size=1,
        ),
        val_dataloader=dict(
            batch_size=2,
            num_workers=0,
            dataset=Samples(labels),
            sampler=dict(type="DefaultSampler", shuffle=False),
        ),
        val_evaluator=[
            dict(type="MultiTaskIoUMetric", task="semantic"),
            dict(type="MultiTaskDepthMetric", task="depth"),
            dict(type="MultiTaskAccuracy", task="scene"),
        ],
        val_cfg=dict(),
        train_cfg=dict(by_epoch=True, max_epochs=1),
        # without momentum, a step is the gradient
        optim_wrapper=dict(optimizer=dict(type="SGD", lr=0.02)),
        default_hooks=dict(
            checkpoint=None,
            logger=None,
            sampler_seed=None,
            nonfinite=dict(type="NonFiniteHook", action="stop"),
        ),
        custom_hooks=[keep],
        randomness=dict(seed=3),
        default_scope="mmseg",
        log_level="WARNING",
        launcher=launcher,
        env_cfg=dict(dist_cfg=dict(backend="gloo", timeout=60)),
        cfg=dict(sync_bn="torch", default_scope="mmseg"),
        experiment_name=name,
    )
    if launcher != "none":
        assert type(runner.model) is MMDistributedDataParallel
        assert not runner.model.find_unused_parameters
        waiting = any(isinstance(m, torch.nn.SyncBatchNorm) for m in model.modules())
        assert waiting == (name != "Swin")
    runner.train()
    metrics = runner.val_loop.run()
    return dict(losses=keep.losses, start=keep.start, states=keep.states, metrics=metrics)


if __name__ == "__main__":
    torch.set_num_threads(1)
    where = Path(sys.argv[1])
    found = {name: train(name, where, "pytorch") for name in TRAINED}
    torch.save(found, where / f"{os.environ['RANK']}.pt")
