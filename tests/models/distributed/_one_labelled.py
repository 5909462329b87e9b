"""A training step in one of two processes, of four images of which one has a label:
``python _one_labelled.py FOLDER``."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import torch
from mmengine.optim import OptimWrapper
from torch import Tensor, distributed, nn

from mtlplugins.models import MultiTaskDistributedDataParallel, MultiTaskModel
from tests.models._models import CLASSES, images, make_sample, model_config

#: mmseg's head pools the one labelled image to 1 x 1 before a batch norm.
POOLING = dict(
    type="MultiTaskDecodeHead",
    num_classes=CLASSES,
    head=dict(type="PSPHead", in_channels=32, in_index=1, channels=8, norm_cfg=dict(type="BN")),
)


def make() -> MultiTaskModel:
    """A model of depth, and of classes by a head with batch norms; no dropout."""
    settings = model_config()
    head = dict(POOLING, head=dict(POOLING["head"], pool_scales=(1, 2), dropout_ratio=0))
    settings["heads"]["semantic"] = head
    del settings["decoders"]["semantic"], settings["heads"]["scene"]
    torch.manual_seed(0)
    return MultiTaskModel(**settings).double()


def step(model: nn.Module, part: slice) -> dict[str, Tensor]:
    """Train on some of the images; return gradients and statistics."""
    samples = [make_sample("depth", *(["semantic"] if not i else []), seed=i) for i in range(4)]
    wrapper = OptimWrapper(torch.optim.SGD(model.parameters(), lr=0.0))
    wrapper.zero_grad = lambda: None
    model.train_step(dict(inputs=images(4).double()[part], data_samples=samples[part]), wrapper)
    own = getattr(model, "module", model)
    found = {name: p.grad for name, p in own.named_parameters()}
    return found | {name: value for name, value in own.named_buffers() if "running" in name}


if __name__ == "__main__":
    torch.set_num_threads(1)
    distributed.init_process_group("gloo")
    rank = distributed.get_rank()
    model = nn.SyncBatchNorm.convert_sync_batchnorm(make())
    found = step(MultiTaskDistributedDataParallel(model), slice(2 * rank, 2 * rank + 2))
    torch.save(found, Path(sys.argv[1]) / f"{rank}.pt")
    os._exit(0)  # gloo's threads may outlive the interpreter
