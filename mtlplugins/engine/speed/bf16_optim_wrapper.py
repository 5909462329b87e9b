"""Mixed-precision training in bfloat16."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from mmengine.optim import OptimWrapper
from mmengine.registry import OPTIM_WRAPPERS
from torch import nn


@OPTIM_WRAPPERS.register_module()
class Bf16OptimWrapper(OptimWrapper):
    """An OptimWrapper whose forward pass runs under bfloat16 autocast, on the CPU too.

    Weights, gradients and the optimizer's state stay float32. bfloat16 has float32's range of
    exponents, so gradients do not underflow and no loss scaling is needed; MMEngine's
    ``AmpOptimWrapper`` always scales and refuses the CPU. Takes the arguments of ``OptimWrapper``
    (``optimizer``, ``accumulative_counts``, ``clip_grad``).
    """

    @contextmanager
    def optim_context(self, model: nn.Module) -> Iterator[None]:
        """Autocast to bfloat16 on the model's device; gradients accumulate as in OptimWrapper.

        Args:
            model: A model with all parameters on one type of device.
        """
        device = next(model.parameters()).device.type
        with super().optim_context(model), torch.autocast(device, dtype=torch.bfloat16):
            yield
