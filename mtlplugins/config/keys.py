"""Spelling checks for config keys and choices that libraries ignore silently."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection
from difflib import get_close_matches
from typing import Any

from mmengine.config import Config
from mmengine.hooks import CheckpointHook
from mmseg.registry import HOOKS
from torch.nn.utils import clip_grad_norm_, clip_grad_value_

from mtlplugins.engine.default_hooks import DEFAULT_HOOKS

#: Keys of ``paramwise_cfg`` that the optimizer constructors of MMEngine, mmpretrain, mmseg read.
_PARAMWISE = {
    "DefaultOptimWrapperConstructor": (
        "custom_keys", "bias_lr_mult", "bias_decay_mult", "norm_decay_mult", "dwconv_decay_mult",
        "flat_decay_mult", "dcn_offset_lr_mult", "bypass_duplicate",
    ),
    "LearningRateDecayOptimWrapperConstructor": (
        "layer_decay_rate", "custom_keys", "bias_decay_mult", "norm_decay_mult", "flat_decay_mult",
    ),
    "LearningRateDecayOptimizerConstructor": ("decay_rate", "num_layers", "decay_type"),
}  # fmt: skip
#: Keys that must be a dict, or None where stated, with its expected contents for the message.
_DICTS = {
    "model": "the model with its type",
    "optim_wrapper": "dict(type='OptimWrapper', optimizer=…), or None",
    "optim_wrapper.clip_grad": "dict(max_norm=…), or None",
    "model.heads": "the head of each task",
    "model.task_weights": "dict(TASK=number), or None",
    "train_dataloader.dataset": "the data set with its type",
    "val_dataloader.dataset": "the data set with its type",
    "test_dataloader.dataset": "the data set with its type",
}


def check_keys(cfg: Config) -> None:
    """Check keys that libraries accept unread, and values that must be one of a few words.

    Raises:
        ValueError: A key or word is unknown, or a value is not a dict where one is needed.
    """
    _check_dicts(cfg)
    if (word := cfg.get("sync_bn")) not in (None, "torch", "mmcv"):
        raise ValueError(f"sync_bn={word!r}: give 'torch', 'mmcv' or None")
    _check_hooks(cfg.get("default_hooks") or {})
    wrapper = cfg.get("optim_wrapper") or {}
    _check_paramwise(wrapper.get("constructor"), wrapper.get("paramwise_cfg") or {})
    clip = wrapper.get("clip_grad") or {}
    clips = {"norm": clip_grad_norm_, "value": clip_grad_value_}
    kind = clip.get("type", "norm")
    if kind not in clips:
        raise ValueError(f"optim_wrapper.clip_grad.type={kind!r}: give 'norm' or 'value'")
    refuse_unknown("optim_wrapper.clip_grad", clip, ("type", *_arguments(clips[kind])))


def _check_paramwise(constructor: Any, paramwise: dict) -> None:
    # custom_keys are not checked: two configs of mmseg have unused keys in them
    name = str(constructor or "DefaultOptimWrapperConstructor").rpartition(".")[2]
    if name in _PARAMWISE:
        refuse_unknown("optim_wrapper.paramwise_cfg", paramwise, _PARAMWISE[name])
    if name == "LearningRateDecayOptimWrapperConstructor":
        for key, settings in (paramwise.get("custom_keys") or {}).items():
            if "lr_mult" in settings:
                raise ValueError(
                    f"optim_wrapper.paramwise_cfg.custom_keys.{key}.lr_mult has no effect with "
                    f"{name}, whose rates are those of the layers: leave lr_mult or the "
                    "constructor out"
                )


def refuse_unknown(where: str, given: Collection[str], known: Collection[str]) -> None:
    """Refuse keys that are not in ``known``.

    Raises:
        ValueError: A key is unknown; the message suggests a similar known key, or lists all.
    """
    for key in given:
        if key not in known and key != "_scope_":  # added by MMEngine to configs of other packages
            similar = get_close_matches(str(key), known, n=1)
            hint = f"did you mean {similar[0]!r}?" if similar else f"known are {', '.join(known)}"
            raise ValueError(f"{where}: unknown key {key!r}; {hint}")


def _arguments(function: Callable) -> list[str]:
    """List the arguments of a function, without the first (``self``, or the parameters)."""
    found = inspect.signature(function).parameters.values()
    return [p.name for p in found if p.kind is not p.VAR_KEYWORD][1:]


def _check_dicts(cfg: Config) -> None:
    for path, content in _DICTS.items():
        node: Any = cfg
        *parents, last = path.split(".")
        for parent in parents:
            node = node.get(parent) if hasattr(node, "get") else None
        if not hasattr(node, "get") or last not in node:
            continue
        value = node.get(last)
        allowed = value is None and content.endswith("None")
        if not isinstance(value, dict) and not allowed:
            raise ValueError(f"{path}={value!r}: give {content}")


def _check_hooks(hooks: dict[str, Any]) -> None:
    for name, hook in hooks.items():
        if isinstance(hook, dict) and "type" not in hook and name not in DEFAULT_HOOKS:
            similar = get_close_matches(name, DEFAULT_HOOKS, n=1)
            hint = f"did you mean default_hooks.{similar[0]}?" if similar else "give it one"
            raise ValueError(f"default_hooks.{name} has no type; {hint}")
    saving = hooks.get("checkpoint")
    if not isinstance(saving, dict):
        return
    saving = {**DEFAULT_HOOKS["checkpoint"], **saving}
    # MMEngine passes unknown arguments to the first save, which then fails
    kind = saving["type"] if isinstance(saving["type"], type) else HOOKS.get(saving["type"])
    if isinstance(kind, type) and issubclass(kind, CheckpointHook):
        known = ("type", "priority", *_arguments(CheckpointHook.__init__))
        refuse_unknown("default_hooks.checkpoint", saving, known)
