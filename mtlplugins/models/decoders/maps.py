"""Validation of the encoder's maps that a decoder gets."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor


def check_maps(decoder: str, features: Sequence[Tensor], in_channels: Sequence[int]) -> None:
    """Check the number and the channels of maps (n, C, H, W) against a decoder's ``in_channels``.

    Raises:
        ValueError: The number of maps or channels differs, or the tensors are not maps; the message
            says what to set.
    """
    if wrong := [tuple(x.shape) for x in features if x.dim() != 4]:
        raise ValueError(
            f"{decoder}: the encoder gives {wrong[0]}, no map (n, C, H, W); of a ViT, set the "
            "backbone's out_type='featmap'"
        )
    expected = tuple(in_channels)
    found = tuple(x.shape[1] for x in features)
    if found == expected:
        return
    mend = "set in_channels to the encoder's, finest first"
    if tuple(x.shape[-1] for x in features) == expected:
        mend = (
            "its maps are (n, H, W, C), as those of timm's Swin; the backbone's "
            "feature_cls='getter' makes them (n, C, H, W)"
        )
    raise ValueError(
        f"{decoder}: in_channels={expected}, but the encoder's maps have {found} channels: {mend}"
    )
