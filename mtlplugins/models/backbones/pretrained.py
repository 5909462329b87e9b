"""Loading of pretrained weights of the plain architecture into an encoder."""

from __future__ import annotations

import re

from mmengine.logging import print_log
from torch import Tensor, nn

from mtlplugins.common.notice import Notice
from mtlplugins.common.text import few
from mtlplugins.io.checkpoint import load_state
from mtlplugins.models.conditioning import FiLM, conditional_modules


def one_checkpoint(encoder: str, pretrained: str | None, init_cfg: dict | None) -> dict | None:
    """Return ``init_cfg``, made of mmseg's older argument ``pretrained`` if that is given.

    Raises:
        ValueError: Both are given.
    """
    if not pretrained:
        return init_cfg
    if init_cfg:
        raise ValueError(f"{encoder}: give pretrained or init_cfg, not both")
    return dict(type="Pretrained", checkpoint=pretrained)


def load_pretrained(
    encoder: nn.Module, state: dict[str, Tensor], source: str, *, optional: str
) -> None:
    """Load ``state`` into ``encoder``; the state may lack the conditional modules.

    Args:
        encoder: A conditioned or plain encoder.
        state: Tensors by name.
        source: File or URL of the state, for messages.
        optional: Regular expression of other keys that may be missing.

    Raises:
        ValueError: The checkpoint is of another architecture.
    """
    # the index is determined by the window size, which may differ from the checkpoint's
    index = "relative_position_index"
    state = {key: value for key, value in state.items() if not key.endswith(index)}
    may_miss = _conditional_keys(encoder) | {
        key for key in encoder.state_dict() if re.match(optional, key) or key.endswith(index)
    }
    unused = load_state(encoder, state, source, optional=may_miss)
    print_log(
        Notice(
            f"loaded {len(state) - len(unused)} tensors of {source}"
            + (f"; not used: {few(unused)}" if unused else "")
        ),
        logger="current",
    )


def _conditional_keys(encoder: nn.Module) -> set[str]:
    """Return the keys only a conditioned encoder has: not γ' and β' of a conditional norm."""
    names = {id(module): name for name, module in encoder.named_modules()}
    added: list[nn.Module] = [m for m in encoder.modules() if isinstance(m, FiLM)]
    added += [m for m in conditional_modules(encoder) if not isinstance(m, nn.LayerNorm)]
    prefixes = tuple(names[id(module)] + "." for module in added)
    return {key for key in encoder.state_dict() if key.startswith(prefixes)}
