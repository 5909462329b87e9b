"""Reading of the weights that an encoder's ``init_cfg`` names."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor

from mtlplugins.common.text import few
from mtlplugins.io.checkpoint import read_checkpoint

from .address import local_file


class Content(NamedTuple):
    """What a file holds.

    Attributes:
        tensors: The encoder's tensors by name, without the prefix.
        beside: The other names, such as ``head.fc.weight``.
    """

    tensors: dict[str, Tensor]
    beside: list[str]


def read_weights(init_cfg: dict) -> Content:
    """Read the encoder's part of a checkpoint file.

    Args:
        init_cfg: ``checkpoint`` is a file, a URL, ``package://NAME`` for the file in an installed
            package, or ``timm://NAME`` for weights of timm; ``prefix`` (optional) selects the keys
            to load. Without it, the keys under ``backbone.`` are loaded if there are any, else all.

    Raises:
        FileNotFoundError: There is no such file or package, or the URL cannot be fetched.
        ValueError: The file is not a checkpoint, or no key has the prefix.
    """
    if "checkpoint" not in init_cfg:
        raise ValueError(
            f"backbone.init_cfg={init_cfg}: give dict(type='Pretrained', checkpoint=FILE_OR_URL), "
            "or None to train from scratch"
        )
    source = init_cfg["checkpoint"]
    try:
        state, _ = read_checkpoint(local_file(source))
    except OSError as error:  # no such file, no network, no such address
        raise FileNotFoundError(
            f"cannot read the pretrained encoder {source} ({error}); give another file with "
            "--cfg-options model.backbone.init_cfg.checkpoint=FILE, or train from scratch with "
            "model.backbone.init_cfg=None"
        ) from error
    prefix = init_cfg.get("prefix", "backbone.").rstrip(".") + "."
    taken = {k.removeprefix(prefix): v for k, v in state.items() if k.startswith(prefix)}
    if not taken and "prefix" in init_cfg:
        raise ValueError(f"{source} has no key that starts with {prefix!r}; keys: {few(state)}")
    if not taken:
        return Content(state, [])
    return Content(taken, [key for key in state if not key.startswith(prefix)])
