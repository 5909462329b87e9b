"""Models of configs, and matching batches of noise."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from mmengine.config import Config
from mmengine.logging import MMLogger
from mmengine.registry import init_default_scope
from mmengine.structures import LabelData, PixelData
from mmseg.registry import MODELS
from torch import Tensor, nn
from torch.nn.functional import normalize

from mtlplugins.analysis.complexity import training_size
from mtlplugins.apis import load_config
from mtlplugins.models import MultiTaskModel
from mtlplugins.models.conditioning import conditional_modules
from mtlplugins.models.heads import DepthHead, TaskHead
from mtlplugins.models.heads.normals import NormalsHead
from mtlplugins.structures import MultiTaskDataSample

from . import ROOT

#: Attributes with the rate of modules that drop activations at random.
_RATES = ("p", "drop_prob", "attn_drop", "drop_path_rate", "dropout")


def load(config: str) -> Config:
    """Load a config of the repository, without pretrained weights."""
    cfg = load_config(str(ROOT / config))
    init_default_scope("mmseg")
    _without_weights(cfg.model)
    return cfg


def build(cfg: Config) -> MultiTaskModel:
    """Build a model from seed 0, with conditional modules that are not the identity."""
    torch.manual_seed(0)
    model = MODELS.build(cfg.model)
    logger = MMLogger.get_current_instance()
    level = logger.level
    logger.setLevel("ERROR")  # or it logs a line per parameter
    model.init_weights()
    logger.setLevel(level)
    with torch.no_grad():
        for module in conditional_modules(model):
            for parameter in module.parameters():
                parameter += 0.02 * torch.randn_like(parameter)
    return model


def without_dropout(model: nn.Module) -> nn.Module:
    """Switch off dropout and drop path, because two devices draw different random numbers."""
    for module in model.modules():
        for name in _RATES:
            if isinstance(getattr(module, name, None), float):
                setattr(module, name, 0.0)
    return model


def batch(cfg: Config, model: MultiTaskModel, images: int) -> dict[str, Any]:
    """Make a batch like a data loader's: uint8 images and targets of every task.

    Args:
        cfg: Config with the image size.
        model: Model with the tasks.
        images: Number of images.
    """
    generator = torch.Generator().manual_seed(0)
    size = tuple(cfg.train_dataloader.dataset.get("size") or training_size(cfg))
    inputs = torch.randint(0, 256, (images, 3, *size), generator=generator, dtype=torch.uint8)
    return dict(
        inputs=list(inputs),
        data_samples=[_sample(model, size, generator) for _ in range(images)],
    )


def _sample(
    model: MultiTaskModel, size: tuple[int, int], generator: torch.Generator
) -> MultiTaskDataSample:
    sample = MultiTaskDataSample(metainfo=dict(ori_shape=size, img_shape=size, draw=(0, 0)))
    invalid = {}
    for task, head in model.heads.items():
        if not head.dense:
            label = torch.randint(0, head.num_classes, (1,), generator=generator)
            setattr(sample, f"gt_{task}", LabelData(label=label))
            continue
        make = next((m for kind, m in _DENSE.items() if isinstance(head, kind)), _labels)
        data, invalid[task] = make(head, size, generator)
        setattr(sample, f"gt_{task}", PixelData(data=data))
    if invalid:
        sample.set_metainfo(dict(invalid=invalid))
    return sample


def _labels(head: Any, size: tuple[int, int], generator: torch.Generator) -> tuple[Tensor, float]:
    return torch.randint(0, head.num_classes, (1, *size), generator=generator), 255


def _depth(
    head: DepthHead, size: tuple[int, int], generator: torch.Generator
) -> tuple[Tensor, float]:
    share = torch.rand(1, *size, generator=generator)
    return head.min_depth + share * (head.max_depth - head.min_depth), 0


def _normals(
    head: NormalsHead, size: tuple[int, int], generator: torch.Generator
) -> tuple[Tensor, float]:
    return normalize(torch.randn(3, *size, generator=generator), dim=0), 0


_DENSE: dict[type[TaskHead], Callable[..., tuple[Tensor, float]]] = {
    DepthHead: _depth,
    NormalsHead: _normals,
}


def _without_weights(node: Any) -> None:
    for key, value in _items(node):
        if key == "init_cfg" or (key == "pretrained" and isinstance(value, str)):
            node[key] = None
        elif key == "pretrained" and value is True:  # timm's
            node[key] = False
        else:
            _without_weights(value)


def _items(node: Any) -> Iterator[tuple[Any, Any]]:
    if isinstance(node, dict):
        yield from list(node.items())
    elif isinstance(node, list | tuple):
        yield from enumerate(node)
