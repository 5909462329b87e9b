"""Loading an encoder's weights from a checkpoint of the plain architecture."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.error import URLError

from mmengine.logging import print_log
from mmengine.runner.checkpoint import CheckpointLoader
from torch import Tensor, nn

from mtlplugins.models.conditioning import FiLM, conditional_modules


def read_pretrained(init_cfg: dict) -> dict[str, Tensor]:
    """Read the encoder's part of a checkpoint file.

    Args:
        init_cfg: ``checkpoint`` is a file or URL; ``prefix`` (optional) starts the keys to take.
            Without it, the keys under ``backbone.`` are taken where there are any, else all.

    Returns:
        Tensors by name, without the prefix.

    Raises:
        FileNotFoundError: There is no such file, or the URL cannot be fetched.
        ValueError: The file is no checkpoint.
    """
    source = init_cfg["checkpoint"]
    mend = (
        "give another file with --cfg-options model.backbone.init_cfg.checkpoint=FILE, or train "
        "from scratch with model.backbone.init_cfg=None"
    )
    try:
        checkpoint = CheckpointLoader.load_checkpoint(source, map_location="cpu")
    except (FileNotFoundError, URLError) as error:
        raise FileNotFoundError(
            f"cannot read the pretrained encoder {source}: {error}; {mend}"
        ) from error
    state = checkpoint
    for key in ("state_dict", "model"):
        if isinstance(checkpoint, dict) and key in checkpoint:
            state = checkpoint[key]
            break
    if not isinstance(state, dict) or not any(isinstance(v, Tensor) for v in state.values()):
        raise ValueError(f"{source} holds no tensors by name, so it is no checkpoint; {mend}")
    state = {key.removeprefix("module."): value for key, value in state.items()}
    prefix = init_cfg.get("prefix", "backbone.").rstrip(".") + "."
    taken = {k.removeprefix(prefix): v for k, v in state.items() if k.startswith(prefix)}
    if not taken and "prefix" in init_cfg:
        raise ValueError(f"{source} has no key that starts with {prefix!r}; keys: {_few(state)}")
    return taken or state


def load_pretrained(
    encoder: nn.Module, state: dict[str, Tensor], source: str, *, optional: str
) -> None:
    """Load ``state`` into ``encoder``; its conditional modules may be missing from it.

    Args:
        encoder: Any conditioned or plain encoder.
        state: Tensors by name.
        source: Where they come from, for messages.
        optional: Regular expression of keys that may be missing too.

    Raises:
        ValueError: The checkpoint is of another architecture: it lacks tensors or has other shapes.
    """
    expected = encoder.state_dict()
    conditional = _conditional_keys(encoder)
    needed = {
        key
        for key in expected
        if key not in conditional
        and not key.endswith("relative_position_index")
        and not re.match(optional, key)
    }
    missing = [key for key in expected if key in needed - set(state)]
    other = [
        f"{key} {tuple(state[key].shape)} instead of {tuple(value.shape)}"
        for key, value in expected.items()
        if key in state and state[key].shape != value.shape
    ]
    if missing or other:
        problems = []
        if missing:
            problems.append(f"lacks {len(missing)} of {len(needed)} tensors ({_few(missing)})")
        if other:
            problems.append(f"has {len(other)} of another shape ({_few(other)})")
        raise ValueError(
            f"{source} is a checkpoint of another architecture than {type(encoder).__name__} with "
            f"these settings: it {' and '.join(problems)}. Its own keys: {_few(state)}"
        )
    unused = [key for key in state if key not in expected]
    encoder.load_state_dict({k: v for k, v in state.items() if k in expected}, strict=False)
    print_log(
        f"loaded {len(state) - len(unused)} tensors of {source}"
        + (f"; not used: {_few(unused)}" if unused else ""),
        logger="current",
    )


def _conditional_keys(encoder: nn.Module) -> set[str]:
    """Names of what only a conditioned encoder has, so not γ' and β' of a conditional norm."""
    names = {id(module): name for name, module in encoder.named_modules()}
    added = [m for m in encoder.modules() if isinstance(m, FiLM)]
    added += [m for m in conditional_modules(encoder) if not isinstance(m, nn.LayerNorm)]
    prefixes = tuple(names[id(module)] + "." for module in added)
    return {key for key in encoder.state_dict() if prefixes and key.startswith(prefixes)}


def _few(names: Iterable[str], count: int = 3) -> str:
    names = list(names)
    more = f", … {len(names) - count} more" if len(names) > count else ""
    return ", ".join(names[:count]) + more
