"""Criterion: losses of mmseg, mmpretrain and this package under one calling convention."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from typing import Any, cast

import torch
from mmseg.models.losses import LovaszLoss
from mmseg.registry import MODELS
from torch import Tensor, nn

Call = Callable[..., Tensor]


class Criterion(nn.Module):
    """One loss, or the sum of several, in float32 even under autocast.

    Losses of other packages are tried on a small example with ignored pixels when they are built,
    so a loss that would fail in the first batch is refused by name before training.

    Args:
        head: Name of the head, for errors.
        config: The loss of a config, or a list of them.
        calls: Functions that call a loss with the head's arguments, by package and class, such as
            ``mmseg.DiceLoss``.
        otherwise: Function that calls any other loss.
        example: Arguments of an example call, the prediction first.
        num_classes: Passed to losses that have this argument.

    Raises:
        ValueError: A loss cannot be built, does not fit the head, or gives no single number.
    """

    def __init__(
        self,
        head: str,
        config: dict | Sequence[dict],
        calls: Mapping[str, Call],
        otherwise: Call,
        example: tuple[Any, ...],
        *,
        num_classes: int | None = None,
    ) -> None:
        super().__init__()
        configs = [config] if isinstance(config, dict) else list(config)
        if not configs:
            raise ValueError(f"{head}: loss=[] leaves nothing to train by")
        self.losses = nn.ModuleList()
        self._weights: list[float] = []
        self._calls, self._otherwise = calls, otherwise
        for one in configs:
            loss, weight = _build(head, dict(one), num_classes)
            self.losses.append(loss)
            self._weights.append(weight)
            if not type(loss).__module__.startswith("mtlplugins"):
                self._try(head, one["type"], loss, *example)

    def forward(self, pred: Tensor, *others: Any) -> Tensor:
        """Sum the losses of a prediction; ``others`` are the losses' other arguments."""
        with torch.autocast(pred.device.type, enabled=False):
            pred = widened(pred)
            losses = zip(self.losses, self._weights, strict=True)
            total = sum(weight * self._call(loss, pred, *others) for loss, weight in losses)
        return cast("Tensor", total)  # there is at least one loss

    def _call(self, loss: nn.Module, *args: Any) -> Tensor:
        package = type(loss).__module__.partition(".")[0]
        call = self._calls.get(f"{package}.{type(loss).__name__}", self._otherwise)
        if call is self._otherwise and package in ("mmseg", "mmpretrain"):
            raise ValueError("it compares something else")
        return call(loss, *args)

    def _try(self, head: str, kind: str, loss: nn.Module, pred: Tensor, *others: Any) -> None:
        if any(buffer.is_meta for buffer in loss.buffers()):
            return  # a model built on the meta device, for its sizes
        try:
            # models are also built where gradients are off, or on another device
            with torch.device("cpu"), torch.inference_mode(False), torch.enable_grad():
                pred = pred.clone().requires_grad_()
                value = self._call(deepcopy(loss), pred, *others)  # a copy: some count labels
                value.backward()
            if not all(torch.isfinite(each).all() for each in (value, cast("Tensor", pred.grad))):
                raise ValueError("it is not finite for pixels without ground truth")
        except Exception as error:  # a loss may raise anything on inputs it was not written for
            reason = str(error).split("\n")[0] or "its assertion fails"
            raise ValueError(
                f"{head}: loss={kind!r} does not work in this head ({type(error).__name__}: "
                f"{reason}); docs/losses.md lists those that do"
            ) from error

    def _load_from_state_dict(
        self, state_dict: dict[str, Any], prefix: str, *args: Any, **kwargs: Any
    ) -> None:
        # older checkpoints have the state of a loss directly under the criterion's name
        for key in [k for k in state_dict if k.startswith(prefix)]:
            if not key.startswith(f"{prefix}losses."):
                state_dict[f"{prefix}losses.0.{key.removeprefix(prefix)}"] = state_dict.pop(key)
        super()._load_from_state_dict(state_dict, prefix, *args, **kwargs)


def widened(values: Tensor) -> Tensor:
    """Convert half precision to float32; float64 stays."""
    return values.float() if values.dtype in (torch.bfloat16, torch.float16) else values


def _build(head: str, config: dict, num_classes: int | None) -> tuple[nn.Module, float]:
    """Build a loss; return it and its weight, which is 1 if the loss applies it itself."""
    kind, weight = config.get("type"), 1.0
    found = MODELS.get(kind) if isinstance(kind, str) else kind
    if not isinstance(found, type):
        raise ValueError(f"{head}: loss={kind!r} is no registered loss; docs/losses.md lists them")
    known = inspect.signature(found).parameters
    if "loss_weight" in config and "loss_weight" not in known:
        weight = float(config.pop("loss_weight"))
    if "loss_name" not in known:
        config.pop("loss_name", None)
    if num_classes is not None and "num_classes" in known:
        config.setdefault("num_classes", num_classes)
    if found is LovaszLoss and not config.get("per_image"):
        config.setdefault("reduction", "none")  # still a scalar; mmseg refuses its default
    try:
        return MODELS.build(config), weight
    except Exception as error:  # assertions and wrong arguments alike
        raise ValueError(f"{head}: loss={kind!r} cannot be built ({error})") from error
