"""Small models and samples shared by the tests of models."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
from mmengine.structures import LabelData, PixelData
from mmseg.models.backbones import SwinTransformer
from torch import Tensor, nn

from mtlplugins.models import CondSwinTransformer, MultiTaskModel
from mtlplugins.models.conditioning import Condition, conditional_modules
from mtlplugins.structures import MultiTaskDataSample

TASKS = ("semantic", "depth", "scene")
CLASSES = 5
SCENES = 3
SWIN = dict(
    embed_dims=16, depths=(2, 1, 2, 1), num_heads=(1, 2, 4, 8), window_size=4, drop_path_rate=0.0
)
PLANS = {
    "attention": dict(attention="all"),
    "norm": dict(norm="all"),
    "adapter": dict(adapter="all"),
    "all three": dict(attention="all", norm="all", adapter="all"),
    "last blocks": dict(attention=(0, 0, 1, 1), norm=(0, 1, 1, 1), adapter=(0, 0, 0, 1)),
}


def plain_swin(**settings) -> SwinTransformer:
    return SwinTransformer(**SWIN | settings)


def cond_swin(plan: dict | None = None, **settings) -> CondSwinTransformer:
    if plan is not None:
        plan = dict(embed_dims=8) | plan
    return CondSwinTransformer(**SWIN | settings, plan=plan)


def perturb(parameters: Iterable[Tensor], *, std: float = 0.2, seed: int = 0) -> None:
    """Move parameters away from their special start."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for p in parameters:
            p += std * torch.randn(p.shape, generator=generator, dtype=p.dtype)


def perturb_conditioning(module: nn.Module) -> None:
    perturb(p for m in conditional_modules(module) for p in m.parameters())


def conditional_names(module: nn.Module) -> set[str]:
    """Names of the parameters that only a conditioned encoder has."""
    return {n for n, _ in module.named_parameters() if "film" in n or "conditional_" in n}


def make_condition(rows: dict[int, Sequence[int]], *, embed_dims: int = 8) -> Condition:
    """Rows from {task: images}; the embedding of a task depends on the task alone."""
    drawn = torch.randn(10, embed_dims, generator=torch.Generator().manual_seed(7))
    return Condition(
        z=drawn[list(rows)],
        image_index=torch.tensor([i for images in rows.values() for i in images]),
        task_index=torch.tensor([t for t, images in enumerate(rows.values()) for _ in images]),
        rows_per_task=tuple(len(images) for images in rows.values()),
    )


def model_config(plan: dict | None = None, **settings) -> dict:
    if plan is not None:
        plan = dict(embed_dims=8) | plan
    decoder = dict(
        type="SwinUNetDecoder", in_channels=(16, 32, 64, 128), num_heads=(1, 2, 4), window_size=4
    )
    heads = dict(
        semantic=dict(type="SegmentationHead", in_channels=16, num_classes=CLASSES),
        depth=dict(type="DepthHead", in_channels=16, min_depth=0.5, max_depth=10.0),
        scene=dict(type="ClassificationHead", in_channels=128, num_classes=SCENES),
    )
    config = dict(
        backbone=dict(type="CondSwinTransformer", plan=plan, **SWIN),
        heads=heads,
        decoders=dict(semantic=decoder, depth=decoder),
    )
    return config | settings


def make_model(plan: dict | None = None, *, seed: int = 0, **settings) -> MultiTaskModel:
    torch.manual_seed(seed)
    model = MultiTaskModel(**model_config(plan, **settings))
    model.init_weights()
    return model


def make_sample(
    *tasks: str, size: tuple[int, int] = (32, 32), seed: int = 0, name: str = "room.png"
) -> MultiTaskDataSample:
    """A sample with random targets of the named tasks."""
    generator = torch.Generator().manual_seed(seed)
    meta = dict(img_path=name, ori_shape=size, img_shape=size, invalid=dict(semantic=255, depth=0))
    sample = MultiTaskDataSample(metainfo=meta)
    targets = dict(
        semantic=PixelData(data=torch.randint(0, CLASSES, (1, *size), generator=generator)),
        depth=PixelData(data=torch.rand(1, *size, generator=generator) * 5 + 1),
        scene=LabelData(label=torch.randint(0, SCENES, (1,), generator=generator)),
    )
    for task in tasks:
        setattr(sample, f"gt_{task}", targets[task])
    return sample


def images(count: int, size: tuple[int, int] = (32, 32), *, seed: int = 0) -> Tensor:
    return torch.randn(count, 3, *size, generator=torch.Generator().manual_seed(seed))
