"""Swin Transformer: mmseg's names are ours."""

from __future__ import annotations

from torch import Tensor

from .table import KeyTable, Reshape, query_key_value

_FAMILY = "Swin"
#: Positions in a 2 x 2 patch, top to bottom first, in the order left to right first; and back.
_TRANSPOSED = (0, 2, 1, 3)


def _by_channel(x: Tensor) -> Tensor:
    """(..., 4 positions of C channels) to mmseg's (..., C channels of 4 positions)."""
    return x.unflatten(-1, (4, -1))[..., _TRANSPOSED, :].transpose(-1, -2).flatten(-2)


def _by_position(x: Tensor) -> Tensor:
    """Undo :func:`_by_channel`."""
    return x.unflatten(-1, (-1, 4)).transpose(-1, -2)[..., _TRANSPOSED, :].flatten(-2)


#: What every library but mmseg and mmpretrain does: slices of a map, where these unfold it.
_MERGING = {
    "stages.{i}.downsample.norm": Reshape(_by_channel, _by_position),
    "stages.{i}.downsample.reduction": Reshape(_by_channel, _by_position),
}
#: mmseg shifts the windows of a map that is a single window; the others were trained without.
_UNSHIFTED = {"shift_single_window": False}

_OURS = (
    ("patch_embed", "patch_embed"),
    ("absolute_pos_embed", "absolute_pos_embed"),
    ("stages", "stages"),
    ("norm{i}", "norm{i}"),
)
MMSEG = KeyTable(
    "mmseg's Swin",
    _FAMILY,
    _OURS,
    dropped=("decode_head", "auxiliary_head", "neck", "data_preprocessor"),
)
OURS = KeyTable(
    "CondSwinTransformer",
    _FAMILY,
    _OURS,
    dropped=("single_window_stays", *MMSEG.dropped),
    settings=_UNSHIFTED,
)
MMPRETRAIN = KeyTable(
    "mmpretrain's Swin",
    _FAMILY,
    _OURS,
    dropped=("head.fc", "neck", "data_preprocessor"),
    settings=_UNSHIFTED,
)


def _blocks(theirs: str) -> tuple[tuple[str, str], ...]:
    """Name the modules of the blocks of timm and of Microsoft's release, which it follows."""
    ours = "stages.{i}.blocks.{j}"
    return (
        (f"{theirs}.norm1", f"{ours}.norm1"),
        (f"{theirs}.attn", f"{ours}.attn.w_msa"),
        (f"{theirs}.norm2", f"{ours}.norm2"),
        (f"{theirs}.mlp.fc1", f"{ours}.ffn.layers.0.0"),
        (f"{theirs}.mlp.fc2", f"{ours}.ffn.layers.1"),
    )


_OFFICIAL_ROWS = (
    ("patch_embed.proj", "patch_embed.projection"),
    ("patch_embed.norm", "patch_embed.norm"),
    ("absolute_pos_embed", "absolute_pos_embed"),
    *_blocks("layers.{i}.blocks.{j}"),
)
OFFICIAL = KeyTable(
    "Microsoft's Swin",
    _FAMILY,
    (*_OFFICIAL_ROWS, ("layers.{i}.downsample", "stages.{i}.downsample"), ("norm", "norm3")),
    dropped=("head", "layers.{i}.blocks.{j}.attn_mask"),
    reshaped=_MERGING,
    settings=_UNSHIFTED,
)
TIMM = KeyTable(
    "timm's Swin",
    _FAMILY,
    # since timm 0.9 a stage begins with the merging that ended the one before it
    (*_OFFICIAL_ROWS, ("layers.{i+1}.downsample", "stages.{i}.downsample"), ("norm", "norm3")),
    dropped=("head", "layers.{i}.blocks.{j}.attn_mask"),
    reshaped=_MERGING,
    settings=_UNSHIFTED,
)
TORCHVISION = KeyTable(
    "torchvision's Swin",
    _FAMILY,
    (
        ("features.0.0", "patch_embed.projection"),
        ("features.0.2", "patch_embed.norm"),
        ("features.{2i+1}.{j}.norm1", "stages.{i}.blocks.{j}.norm1"),
        ("features.{2i+1}.{j}.attn", "stages.{i}.blocks.{j}.attn.w_msa"),
        ("features.{2i+1}.{j}.norm2", "stages.{i}.blocks.{j}.norm2"),
        ("features.{2i+1}.{j}.mlp.0", "stages.{i}.blocks.{j}.ffn.layers.0.0"),
        ("features.{2i+1}.{j}.mlp.3", "stages.{i}.blocks.{j}.ffn.layers.1"),
        ("features.{2i+2}", "stages.{i}.downsample"),
        ("norm", "norm3"),
    ),
    dropped=("head",),
    reshaped=_MERGING,
    settings=_UNSHIFTED,
)
_HF = "encoder.layers.{i}.blocks.{j}"
_OURS_BLOCK = "stages.{i}.blocks.{j}"
TRANSFORMERS = KeyTable(
    "transformers' Swin",
    _FAMILY,
    (
        ("embeddings.patch_embeddings.projection", "patch_embed.projection"),
        ("embeddings.norm", "patch_embed.norm"),
        ("embeddings.position_embeddings", "absolute_pos_embed"),
        (f"{_HF}.layernorm_before", f"{_OURS_BLOCK}.norm1"),
        *query_key_value(f"{_HF}.attention.self", f"{_OURS_BLOCK}.attn.w_msa.qkv"),
        (f"{_HF}.attention.self", f"{_OURS_BLOCK}.attn.w_msa"),
        (f"{_HF}.attention.output.dense", f"{_OURS_BLOCK}.attn.w_msa.proj"),
        (f"{_HF}.layernorm_after", f"{_OURS_BLOCK}.norm2"),
        (f"{_HF}.intermediate.dense", f"{_OURS_BLOCK}.ffn.layers.0.0"),
        (f"{_HF}.output.dense", f"{_OURS_BLOCK}.ffn.layers.1"),
        ("encoder.layers.{i}.downsample", "stages.{i}.downsample"),
        ("layernorm", "norm3"),
    ),
    prefix="swin.",
    dropped=("classifier", "pooler"),
    reshaped=_MERGING,
    settings=_UNSHIFTED,
)
#: Unlike SwinModel it shifts a single window.
TRANSFORMERS_BACKBONE = KeyTable(
    "transformers' SwinBackbone",
    _FAMILY,
    (*TRANSFORMERS.rows[:-1], ("hidden_states_norms.stage{i+1}", "norm{i}")),
    prefix="swin.",
    dropped=("layernorm",),
    reshaped=_MERGING,
)
TABLES = (MMSEG, OURS, MMPRETRAIN, TIMM, OFFICIAL, TORCHVISION, TRANSFORMERS, TRANSFORMERS_BACKBONE)
