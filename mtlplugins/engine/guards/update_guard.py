"""Guard around an optimizer wrapper that refuses steps with NaN or infinite numbers."""

from __future__ import annotations

from collections.abc import Sequence
from functools import wraps
from typing import Any

import torch
from mmengine.dist import all_reduce
from mmengine.optim import AmpOptimWrapper, OptimWrapper
from torch import Tensor, nn

from mtlplugins.common.private import euclidean_norms


class UpdateGuard:
    """Let an optimizer wrapper step only if all losses and gradients are finite.

    Works on any wrapper, by replacing two of its methods: ``backward`` records on the device
    whether the loss is finite; ``step`` checks once all losses since the last step, all gradients
    and all ranks. An update therefore costs one pass over the gradients and one synchronisation
    with the device, plus in distributed training one all-reduce of a single number, however many
    tasks there are. All ranks reach the same verdict, and backward always runs, so no rank waits
    for another.

    A refused step changes neither the weights nor the optimizer state (momentum, moments, number of
    steps), nor the scale of a gradient scaler; the gradients are dropped. With gradient
    accumulation they are the sum over several batches, all of which are dropped, as a gradient
    scaler does it.

    A wrapper with a gradient scaler (``AmpOptimWrapper``) refuses steps with infinite gradients by
    itself and lowers its scale. That is how it finds the scale, so only the losses are checked.

    Args:
        wrapper: The wrapper to guard.

    Attributes:
        broken: The parameters whose gradients were not finite in the last refused step.
    """

    def __init__(self, wrapper: OptimWrapper) -> None:
        self.wrapper = wrapper
        self._finite: Tensor | None = None  # of all losses since the last step
        self._verdict: bool | None = None
        self.broken: list[nn.Parameter] = []
        self._scaled = isinstance(wrapper, AmpOptimWrapper)
        self._backward, self._step = wrapper.backward, wrapper.step
        wrapper.backward = self._checked_backward
        # wraps() keeps the attribute with which schedulers mark the step that they count
        wrapper.step = wraps(self._step)(lambda **kwargs: self._step_if_finite(**kwargs))

    def take_verdict(self) -> bool | None:
        """Return whether the last step was taken; None if there was none since the last call."""
        verdict, self._verdict = self._verdict, None
        return verdict

    def _checked_backward(self, loss: Tensor, **kwargs: Any) -> None:
        finite = loss.detach().isfinite().all()
        self._finite = finite if self._finite is None else self._finite & finite
        self._backward(loss, **kwargs)

    def _step_if_finite(self, **kwargs: Any) -> None:
        finite, self._finite = self._finite, None
        if finite is None:
            raise RuntimeError("optim_wrapper.step() was called without a backward() before it")
        if not self._scaled:
            finite = finite & _all_finite([gradient for _, gradient in self._gradients()])
        agreed = finite.float()
        all_reduce(agreed, "min")
        self._verdict = bool(agreed.item())
        if self._verdict:
            self._step(**kwargs)
        else:
            self.broken = [p for p, gradient in self._gradients() if not _all_finite([gradient])]

    def _gradients(self) -> list[tuple[nn.Parameter, Tensor]]:
        """Return the parameters that have gradients, with this rank's part of each gradient."""
        parameters = (p for group in self.wrapper.optimizer.param_groups for p in group["params"])
        return [(p, _local_part(p.grad)) for p in parameters if p.grad is not None]


def _local_part(gradient: Tensor) -> Tensor:
    """Return the part of a gradient that this rank holds: its shard, or all of it."""
    to_local = getattr(gradient, "to_local", None)
    return gradient if to_local is None else to_local()


def _all_finite(gradients: Sequence[Tensor]) -> Tensor | bool:
    gradients = [gradient for gradient in gradients if gradient.numel()]
    if not gradients:
        return True
    # one kernel for all; a norm that overflows (1.8e19) counts as infinite, as in clipping
    norms = euclidean_norms(gradients)
    return torch.stack([norm.float() for norm in norms]).isfinite().all()
