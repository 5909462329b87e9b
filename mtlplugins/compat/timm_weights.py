"""Pretrained weights of timm's encoders: from files too, and fetched only when training starts."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from inspect import BoundArguments, signature
from typing import Any

import mmpretrain.models.backbones as mmpretrain_backbones
import mmseg.models.backbones as mmseg_backbones
from torch import nn

from mtlplugins.weights import load_into_timm, read_weights

from ._replace import replace_once


def defer_timm_downloads() -> None:
    """Let ``TIMMBackbone`` take its weights when training starts, fetched or from ``init_cfg``.

    Breaks: with ``pretrained=True`` they are fetched whenever the model is built, also to predict,
    export or count parameters, where a checkpoint replaces them at once. Without a network all of
    these fail, with an error that names neither the config nor the cure. ``init_cfg`` loads
    nothing from a file, but a warning about keys: the wrapper puts ``timm_model.`` before them.
    Since: every mmseg up to 1.2.2, every mmpretrain up to 1.2.0.
    Ends: when these packages fetch in ``init_weights``, as they do for their own encoders.
    """
    for package in (mmseg_backbones, mmpretrain_backbones):
        replace_once(package.TIMMBackbone, "__init__", _without_fetching)
        replace_once(package.TIMMBackbone, "init_weights", _fetching)


def _without_fetching(init: Callable[..., None]) -> Callable[..., None]:
    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
        bound = signature(init).bind(None, *args, **kwargs)
        bound.apply_defaults()
        wanted, bound.arguments["pretrained"] = bound.arguments["pretrained"], False
        init(self, *bound.args[1:], **bound.kwargs)
        bound.arguments["pretrained"] = True
        self.build_pretrained = partial(_build, type(self), init, bound) if wanted else None

    return __init__


def _build(kind: type[nn.Module], init: Callable[..., None], bound: BoundArguments) -> nn.Module:
    """Build a second encoder with the pretrained weights, to copy them from."""
    pretrained = object.__new__(kind)
    init(pretrained, *bound.args[1:], **bound.kwargs)
    return pretrained


def _fetching(init_weights: Callable[[Any], None]) -> Callable[[Any], None]:
    def fetch_and_init(self: Any) -> None:
        """Fetch timm's weights, then initialise."""
        if isinstance(self.init_cfg, dict) and self.init_cfg.get("type") == "Pretrained":
            state, beside = read_weights(self.init_cfg)
            load_into_timm(self.timm_model, state, self.init_cfg["checkpoint"], beside=beside)
            self._is_init = True
            return
        if self.build_pretrained is None or self.is_init:
            init_weights(self)
            return
        try:
            pretrained = self.build_pretrained()
        except (OSError, RuntimeError) as error:  # no network, or no weights of that name
            raise FileNotFoundError(
                f"cannot fetch timm's pretrained weights of the backbone ({error}): fetch them "
                "once where there is a network, or train from scratch with --cfg-options "
                "model.backbone.pretrained=False"
            ) from error
        self.load_state_dict(pretrained.state_dict())
        self._is_init = True

    return fetch_and_init
