"""Keep numbers that are not finite out of the weights."""

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
    """Let an optimizer wrapper step only where all losses and gradients are finite.

    Works on any wrapper as it is: what computes gradients (``backward``) notes whether the loss is
    finite, on its device; the step asks once for all losses since the last one, all gradients, and
    all processes. So an update costs one pass over the gradients and one synchronisation with the
    device, and with several processes one reduction of a single number, however many tasks there
    are. Every process comes to the same verdict, and backward always runs: none waits for another.

    A refused step changes neither weights nor the optimizer's state (momentum, moments, number of
    steps), nor the scale of a gradient scaler; the gradients are dropped. With gradient
    accumulation they are the sum over several batches, which are all dropped: as a gradient scaler
    does it.

    A wrapper with a gradient scaler (``AmpOptimWrapper``) refuses steps with infinite gradients by
    itself and lowers its scale. That is how it finds the scale, so there the losses alone count.

    Args:
        wrapper: The wrapper to guard.

    Attributes:
        broken: Of the last step that was refused, the parameters whose gradients were not finite.
    """

    def __init__(self, wrapper: OptimWrapper) -> None:
        self.wrapper = wrapper
        self._finite: Tensor | None = None  # whether all losses since the last step are
        self._verdict: bool | None = None
        self.broken: list[nn.Parameter] = []
        self._scaled = isinstance(wrapper, AmpOptimWrapper)
        self._backward, self._step = wrapper.backward, wrapper.step
        wrapper.backward = self._noting_backward
        # MMEngine's schedulers have marked the step that they count, and miss the mark
        wrapper.step = wraps(self._step)(lambda **kwargs: self._step_if_finite(**kwargs))

    def take_verdict(self) -> bool | None:
        """Whether the last step was taken; None where there was none since the last call."""
        verdict, self._verdict = self._verdict, None
        return verdict

    def _noting_backward(self, loss: Tensor, **kwargs: Any) -> None:
        finite = loss.detach().isfinite().all()
        self._finite = finite if self._finite is None else self._finite & finite
        self._backward(loss, **kwargs)

    def _step_if_finite(self, **kwargs: Any) -> None:
        finite, self._finite = self._finite, None
        if not self._scaled:
            finite = finite & _all_finite([_own_part(p.grad) for p in self._with_gradients()])
        agreed = finite.float()
        all_reduce(agreed, "min")
        self._verdict = bool(agreed.item())
        if self._verdict:
            self._step(**kwargs)
        else:
            broken = (p for p in self._with_gradients() if not _all_finite([_own_part(p.grad)]))
            self.broken = list(broken)

    def _with_gradients(self) -> list[nn.Parameter]:
        parameters = (p for group in self.wrapper.optimizer.param_groups for p in group["params"])
        return [p for p in parameters if p.grad is not None]


def _own_part(gradient: Tensor) -> Tensor:
    """What this process holds of a gradient: all, or its shard."""
    return gradient.to_local() if hasattr(gradient, "to_local") else gradient


def _all_finite(gradients: Sequence[Tensor]) -> Tensor | bool:
    gradients = [gradient for gradient in gradients if gradient.numel()]
    if not gradients:
        return True
    # in one kernel for all; a norm that overflows (1.8e19) counts as infinite, as in clipping
    norms = euclidean_norms(gradients)
    return torch.stack([norm.float() for norm in norms]).isfinite().all()
