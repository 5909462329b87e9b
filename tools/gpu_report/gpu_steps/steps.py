"""List of all steps, the most important first, with their time limits."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Setting:
    """Environment of a step.

    Attributes:
        device: "cuda" or "cpu".
        rehearse: Whether to use tiny sizes, only to test that the steps run.
        carried: Folder with wheels and data, filled by ``pack.py``.
        scratch: Folder for other files than the results.
        seconds: Time limit of the step.
    """

    device: str
    rehearse: bool
    carried: Path
    scratch: Path
    seconds: float = 60.0

    @property
    def rounds(self) -> int:
        """Number of measurements per case."""
        return 1 if self.rehearse else 10


@dataclass(frozen=True)
class Step:
    """Step of the report: a function that yields tables, with its time limit.

    Attributes:
        name: Name in the records.
        part: Part of the report, 1 or 2.
        seconds: Time limit.
        measure: ``module:function``; called with the setting and the arguments, it yields a
            ``Table`` as soon as there is one. A later table of the same title replaces an earlier
            one.
        arguments: Arguments of the function.
        rehearsal: Arguments for a rehearsal.
    """

    name: str
    part: int
    seconds: float
    measure: str
    arguments: dict[str, Any] = field(default_factory=dict)
    rehearsal: dict[str, Any] = field(default_factory=dict)

    def seconds_for(self, setting: Setting) -> float:
        """Return the time limit; none for a rehearsal."""
        return float("inf") if setting.rehearse else self.seconds

    def arguments_for(self, setting: Setting) -> dict[str, Any]:
        """Return the arguments of the function."""
        return self.arguments | (self.rehearsal if setting.rehearse else {})


_TINY = dict(size="tiny", images=1, side=32)
_TRAINING_STEP = "configs/swin_cond_nyuv2.py"
_ONE_EPOCH = ("train_cfg.max_epochs=1", "param_scheduler.0.total_steps=1")
_ROOMS = "configs/rooms/swin_cond_rooms.py"

#: Ten networks for the parity test of GPU and CPU.
PARITY = (
    "configs/swin_cond_nyuv2.py",
    "configs/nyuv2/scratch13_resnet34_nyuv2.py",
    "configs/nyuv2/swin_cond_norm_nyuv2.py",
    "configs/nyuv2/swin_cond_adapter_norm_nyuv2.py",
    "configs/nyuv2/vit_cond_nyuv2.py",
    "configs/nyuv2/resnet50_cond_nyuv2.py",
    "configs/nyuv2/upernet_cond_nyuv2.py",
    "configs/nyuv2/convnext_baseline_nyuv2.py",
    "configs/cifar/vit_cond_cifar10.py",
    "configs/rooms/swin_cond_4tasks_rooms.py",
)


def _cifar(config: str) -> Step:
    return Step(
        f"cifar {config}",
        2,
        150,
        "gpu_steps.training:cifar",
        dict(config=config),
        dict(config="vit_multi_cifar10_ours", options=_ONE_EPOCH),
    )


STEPS = (
    Step("machine", 1, 30, "gpu_steps.speed:machine_rates"),
    Step(
        "parity", 1, 90, "gpu_steps.parity:measure", dict(configs=PARITY), dict(configs=(_ROOMS,))
    ),
    Step(
        "synchronisation",
        1,
        30,
        "gpu_steps.synchronisation:measure",
        dict(configs=PARITY[:2]),
        dict(configs=(_ROOMS,)),
    ),
    Step(
        "encoders bfloat16",
        1,
        40,
        "gpu_steps.speed:encoders",
        dict(precision="bfloat16", size="S", images=32, side=224),
        _TINY,
    ),
    Step(
        "training step",
        1,
        60,
        "gpu_steps.training_step:measure",
        dict(config=_TRAINING_STEP, images=16),
        dict(config=_ROOMS, images=2),
    ),
    Step(
        "kernel",
        1,
        45,
        "gpu_steps.kernel:measure",
        dict(images=32),
        dict(images=2, stages=((1, 2), (4, 1))),
    ),
    Step(
        "graphs",
        1,
        30,
        "gpu_steps.graphs:measure",
        dict(config=_TRAINING_STEP),
        dict(config=_ROOMS, images=(2,)),
    ),
    Step("rows", 1, 40, "gpu_steps.speed:rows", dict(size="S", images=16, side=224), _TINY),
    Step("price", 1, 25, "gpu_steps.speed:price", dict(size="S", images=16, side=224), _TINY),
    Step("folded", 1, 15, "gpu_steps.speed:folded", dict(size="S", images=16, side=224), _TINY),
    Step("resume", 1, 60, "gpu_steps.resume:measure", dict(length=64), dict(length=8)),
    Step(
        "encoders TF32",
        1,
        25,
        "gpu_steps.speed:encoders",
        dict(precision="TF32", size="S", images=32, side=224),
        _TINY,
    ),
    Step(
        "encoders float32",
        1,
        25,
        "gpu_steps.speed:encoders",
        dict(precision="float32", size="S", images=32, side=224),
        _TINY,
    ),
    Step(
        "encoders bfloat16, 512",
        1,
        30,
        "gpu_steps.speed:encoders",
        dict(precision="bfloat16", size="B", images=8, side=512),
        _TINY,
    ),
    Step(
        "resnets",
        1,
        15,
        "gpu_steps.speed:resnets",
        dict(images=32),
        dict(depth=18, images=2, side=32),
    ),
    Step(
        "compiled",
        1,
        90,
        "gpu_steps.speed:encoders",
        dict(precision="bfloat16", size="S", images=32, side=224, compiled=True),
        _TINY | dict(compiled=False),
    ),
    Step(
        "nyuv2 scratch13",
        2,
        270,
        "gpu_steps.training:nyuv2",
        dict(config="configs/nyuv2/scratch13_resnet34_nyuv2.py"),
        dict(
            options=(
                *_ONE_EPOCH,
                "train_cfg.val_interval=1",
                "train_dataloader.dataset.pipeline.2.scale=(32,32)",
                "val_dataloader.dataset.pipeline.1.scale=(32,32)",
            )
        ),
    ),
    *map(
        _cifar,
        (
            "resnet152_multi_cifar10_ours",
            "vit_multi_cifar10_ours",
            "resnet152_multi_cifar100_ours",
            "vit_multi_cifar100_ours",
            "resnet152_label_cifar10_ours",
            "resnet152_superclass_cifar10_ours",
            "vit_label_cifar10_ours",
            "vit_superclass_cifar10_ours",
        ),
    ),
)


def steps_for(part: int, setting: Setting) -> list[Step]:
    """List the steps of a part; for a rehearsal, the first step of each function."""
    steps = [step for step in STEPS if step.part == part]
    if not setting.rehearse:
        return steps
    first: dict[str, Step] = {}
    for step in steps:
        first.setdefault(step.measure, step)
    return list(first.values())
