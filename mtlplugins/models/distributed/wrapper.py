"""DDP wrapper that leaves the training step to the model."""

from __future__ import annotations

from typing import Any

from mmengine.model import MMDistributedDataParallel
from mmengine.model.utils import detect_anomalous_params
from mmengine.optim import OptimWrapper
from mmengine.registry import MODEL_WRAPPERS
from torch import Tensor


@MODEL_WRAPPERS.register_module()
class MultiTaskDistributedDataParallel(MMDistributedDataParallel):
    """MMEngine's DDP wrapper (same arguments) for a :class:`MultiTaskModel`.

    MMEngine's own wrapper never calls the model's ``train_step`` but has a copy of the default one.
    This wrapper runs the model's ``step``, so training is the same with and without DDP.
    """

    def train_step(self, data: Any, optim_wrapper: OptimWrapper) -> dict[str, Tensor]:
        """Train on one batch; see :meth:`MultiTaskModel.train_step`."""
        total, logged = self.module.step(self, data, optim_wrapper)
        if self.detect_anomalous_params:
            detect_anomalous_params(total, model=self)
        return logged
