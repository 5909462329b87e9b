"""A training step never waits for the device: it reads no value from it, and copies nothing slowly.

On the meta device tensors have no values, so that whatever would read one fails.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
import torch
from mmengine.optim import build_optim_wrapper
from mmengine.registry import DefaultScope
from mmseg.registry import MODELS
from torch import Tensor
from torch.overrides import TorchFunctionMode

from mtlplugins.apis import load_config
from mtlplugins.datasets import RoomsDataset
from mtlplugins.engine import BatchedInfoHook
from mtlplugins.models import MultiTaskModel
from mtlplugins.models.losses.of_labels import label_criterion

CONFIG = Path(__file__).parents[3] / "configs/rooms/swin_cond_4tasks_rooms.py"


class NoWaiting(TorchFunctionMode):
    """Refuse copies to or from the device that wait, and new tensors there of Python numbers."""

    def __torch_function__(
        self, func: Callable, types: Any, args: tuple = (), kwargs: dict | None = None
    ) -> Any:
        kwargs = kwargs or {}
        found = func(*args, **kwargs)
        name = getattr(func, "__name__", "")
        if name in ("tensor", "as_tensor", "new_tensor") and not found.is_cpu:
            raise AssertionError(f"{name}() on the device waits for its copy")
        source = args[1] if name == "copy_" else args[0] if name == "to" else None
        if isinstance(source, Tensor) and source.device != found.device:
            assert kwargs.get("non_blocking"), f"{name}() waits"
        return found


@pytest.fixture(scope="module")
def model() -> MultiTaskModel:
    cfg = load_config(str(CONFIG), {})
    with DefaultScope.overwrite_default_scope("mmseg"):
        return MODELS.build(cfg.model).to("meta").train()


def batch() -> dict[str, list]:
    """Four images: one of all targets, two of some, and one of the scene alone."""
    cfg = load_config(str(CONFIG), {})
    with DefaultScope.overwrite_default_scope("mmseg"):
        data = RoomsDataset(4, size=(64, 96), pipeline=[dict(type="PackMultiTask")])
    items = [data[i] for i in range(len(data))]
    for item, missing in zip(
        items, ((), ("depth",), ("semantic", "scene"), cfg.tasks[:2]), strict=True
    ):
        for task in missing:
            delattr(item["data_samples"], f"gt_{task}")
    return {key: [item[key] for item in items] for key in items[0]}


@pytest.fixture(autouse=True)
def no_autocast(monkeypatch: pytest.MonkeyPatch) -> None:
    """PyTorch has no autocast for the meta device; a float32 step switches it off anyway."""
    monkeypatch.setattr(torch, "autocast", lambda *args, **kwargs: nullcontext())


def test_a_step_of_partly_labelled_rooms(model: MultiTaskModel) -> None:
    clip = dict(clip_grad=dict(max_norm=1.0))
    wrapper = build_optim_wrapper(model, dict(optimizer=dict(type="AdamW", lr=1e-3), **clip))
    hook = BatchedInfoHook()
    hook._keep_norm(wrapper)
    with NoWaiting():
        logged = model.train_step(batch(), wrapper)
    assert len(wrapper.optimizer.state) == len([*model.parameters()])  # all were updated
    assert set(logged) >= {"loss", "semantic_loss", "semantic_acc", "depth_loss", "normals_loss"}
    assert hook._norm is not None


@pytest.mark.parametrize(
    "waits",
    [
        lambda values: bool((values > 0).any()),
        lambda values: values[values > 0],
        lambda values: values.cpu(),
        lambda values: torch.equal(values, values + 1),
        lambda values: torch.ones(3).to(values.device),
        lambda values: values.new_tensor([1.0, 2.0, 3.0]),
        lambda values: values.copy_(torch.ones(3)),
    ],
)
def test_what_waits_is_seen(waits: Callable[[Tensor], Any]) -> None:
    with NoWaiting(), pytest.raises((RuntimeError, NotImplementedError, AssertionError)):
        waits(torch.ones(3, device="meta"))


def test_a_wrong_label_is_found_before_the_device(model: MultiTaskModel) -> None:
    data = batch()
    data["data_samples"][1].gt_semantic.data[0, 3, 4] = 77
    data["data_samples"][1].set_metainfo(dict(img_path="wrong.png"))
    wrapper = build_optim_wrapper(model, dict(optimizer=dict(type="SGD", lr=1.0)))
    with pytest.raises(ValueError, match=r"'semantic': label 77 in a target.*images: wrong\.png$"):
        model.train_step(data, wrapper)


FREE = {
    "CrossEntropyLoss": dict(avg_non_ignore=True),
    "CrossEntropyLoss with class_weight": dict(class_weight=[1.0, 2.0, 0.5], avg_non_ignore=True),
    "DiceLoss": dict(),
    "TverskyLoss": dict(),
}
WAIT = {
    "FocalLoss": dict(),
    "LovaszLoss": dict(),
    "OhemCrossEntropy": dict(),
}


@pytest.mark.parametrize("name", [*FREE, *WAIT])
def test_losses_of_labels(name: str) -> None:
    """docs/losses.md lists those that wait."""
    config = dict(type=name.split(" ")[0], **(FREE | WAIT)[name])
    with DefaultScope.overwrite_default_scope("mmseg"):
        criterion = label_criterion("SegmentationHead", config, 3, dense=True).to("meta")
    logits = torch.ones(2, 3, 4, 5, device="meta", requires_grad=True)
    labels = torch.ones(2, 4, 5, dtype=torch.int64, device="meta")
    failures = (RuntimeError, NotImplementedError, AssertionError)
    with NoWaiting(), pytest.raises(failures) if name in WAIT else nullcontext():
        criterion(logits, labels, 255).backward()
