"""Checkpoints: reading tensors by name, and loading them into a module strictly."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pickle import UnpicklingError
from typing import Any

import safetensors.torch
from mmengine import fileio
from mmengine.runner.checkpoint import CheckpointLoader
from torch import Tensor, nn

from mtlplugins.common.text import few


def read_checkpoint(source: str) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read a checkpoint file or URL safely: no code in it is run (``weights_only``).

    A name that ends in ``.safetensors`` is read in that format, which has no code.

    Returns:
        The tensors by name, without a leading ``module.``, and the checkpoint's ``meta``.

    Raises:
        OSError: The file cannot be read, or the URL cannot be fetched.
        ValueError: The file is damaged, or holds no tensors by name.
    """
    if source.endswith(".safetensors"):
        return _read_safetensors(source), {}
    try:
        state = checkpoint = CheckpointLoader.load_checkpoint(source, map_location="cpu")
    except (UnpicklingError, EOFError, RuntimeError) as error:  # PyTorch's, by kind of damage
        raise ValueError(f"{source} is no checkpoint, or is damaged: {error}") from error
    for key in ("state_dict", "model"):
        if isinstance(checkpoint, dict) and key in checkpoint:
            state = checkpoint[key]
            break
    by_name = isinstance(state, dict) and all(isinstance(key, str) for key in state)
    if not by_name or not any(isinstance(value, Tensor) for value in state.values()):
        raise ValueError(f"{source} holds no tensors by name, so it is no checkpoint")
    state = {key.removeprefix("module."): value for key, value in state.items()}
    return state, checkpoint.get("meta") or {}


def _read_safetensors(source: str) -> dict[str, Tensor]:
    try:
        return safetensors.torch.load(fileio.get(source))
    except safetensors.SafetensorError as error:
        raise ValueError(f"{source} is no safetensors file, or is damaged: {error}") from error


def load_state(
    module: nn.Module,
    state: Mapping[str, Tensor],
    source: str,
    *,
    optional: Collection[str] = (),
    names: Collection[str] = (),
) -> list[str]:
    """Load ``state`` into ``module``; every tensor of the module must be in it.

    Args:
        module: The module to load into.
        state: Tensors by name.
        source: File or URL of the checkpoint, for error messages.
        optional: Names of tensors that may be missing from ``state``.
        names: Names in the checkpoint, for error messages, if ``state`` is not all of it.

    Returns:
        The names in ``state`` that the module does not have.

    Raises:
        ValueError: The checkpoint is of another architecture: tensors are missing or have other
            shapes.
    """
    expected = module.state_dict()
    needed = [key for key in expected if key not in optional]
    missing = [key for key in needed if key not in state]
    other = [
        f"{key} {_shape(state[key])} instead of {tuple(value.shape)}"
        for key, value in expected.items()
        if key in state and _shape(state[key]) != tuple(value.shape)
    ]
    problems = []
    if missing:
        problems.append(f"lacks {len(missing)} of {len(needed)} tensors ({few(missing)})")
    if other:
        problems.append(f"has {len(other)} of another shape ({few(other)})")
    if problems:
        raise ValueError(
            f"{source} is a checkpoint of another architecture than this "
            f"{type(module).__name__}: it "
            f"{' and '.join(problems)}. Its own keys: {few(names or state)}"
        )
    module.load_state_dict(state, strict=False)
    expected = module.state_dict()  # a module may make a tensor that it finds in the state
    return [key for key in state if key not in expected]


def _shape(value: Any) -> tuple[int, ...] | str:
    return tuple(value.shape) if isinstance(value, Tensor) else type(value).__name__
