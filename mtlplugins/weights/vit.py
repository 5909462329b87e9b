"""Vision Transformer: mmpretrain's names are ours."""

from __future__ import annotations

from .table import KeyTable, query_key_value

_FAMILY = "ViT"
_OURS = "layers.{i}"
#: What is another function without, by our name.
_REFUSED = {
    "reg_token": "register tokens",
    "dist_token": "a distillation token",
    "layers.{i}.attn.gamma1": "layer scale (set layer_scale_init_value)",
    "pre_norm": "a norm before the first block (set pre_norm=True)",
}
_START = (("cls_token", "cls_token"), ("pos_embed", "pos_embed"))
MMPRETRAIN = KeyTable(
    "mmpretrain's ViT",
    _FAMILY,
    (
        *_START,
        ("patch_embed", "patch_embed"),
        ("pre_norm", "pre_norm"),
        ("layers", "layers"),
        ("ln1", "ln1"),
        ("ln2", "ln2"),
    ),
    dropped=("head", "neck", "data_preprocessor", "decode_head", "auxiliary_head"),
    refused=_REFUSED,
)
MMSEG = KeyTable(
    "mmseg's ViT",
    _FAMILY,
    (
        *_START,
        ("patch_embed", "patch_embed"),
        ("layers.{i}.ln1", f"{_OURS}.ln1"),
        ("layers.{i}.attn.attn.in_proj_weight", f"{_OURS}.attn.qkv.weight"),
        ("layers.{i}.attn.attn.in_proj_bias", f"{_OURS}.attn.qkv.bias"),
        ("layers.{i}.attn.attn.out_proj", f"{_OURS}.attn.proj"),
        ("layers.{i}.ln2", f"{_OURS}.ln2"),
        ("layers.{i}.ffn", f"{_OURS}.ffn"),
        ("ln1", "ln1"),
    ),
    dropped=("decode_head", "auxiliary_head", "neck", "data_preprocessor"),
)
#: Of timm, and of the releases that follow it: DeiT, DINO, MAE and DINOv2.
_TIMM_ROWS = (
    *_START,
    ("reg_token", "reg_token"),
    ("register_tokens", "reg_token"),
    ("dist_token", "dist_token"),
    ("patch_embed.proj", "patch_embed.projection"),
    ("norm_pre", "pre_norm"),
    ("blocks.{i}.norm1", f"{_OURS}.ln1"),
    ("blocks.{i}.attn.qkv", f"{_OURS}.attn.qkv"),
    ("blocks.{i}.attn.proj", f"{_OURS}.attn.proj"),
    ("blocks.{i}.ls1.gamma", f"{_OURS}.attn.gamma1.weight"),
    ("blocks.{i}.norm2", f"{_OURS}.ln2"),
    ("blocks.{i}.mlp.fc1", f"{_OURS}.ffn.layers.0.0"),
    ("blocks.{i}.mlp.fc2", f"{_OURS}.ffn.layers.1"),
    ("blocks.{i}.ls2.gamma", f"{_OURS}.ffn.gamma2.weight"),
    ("norm", "ln1"),
    ("fc_norm", "ln2"),
)
TIMM = KeyTable(
    "ViT of timm, DeiT or DINO",
    _FAMILY,
    _TIMM_ROWS,
    dropped=("head", "head_dist"),
    refused=_REFUSED,
)
DINOV2 = KeyTable("DINOv2", _FAMILY, _TIMM_ROWS, dropped=("mask_token",), refused=_REFUSED)
MAE = KeyTable(
    "MAE",
    _FAMILY,
    _TIMM_ROWS,
    dropped=(
        "mask_token",
        "decoder_embed",
        "decoder_pos_embed",
        "decoder_blocks",
        "decoder_norm",
        "decoder_pred",
    ),
    refused=_REFUSED,
)
_LAYER = "encoder.layers.encoder_layer_{i}"
TORCHVISION = KeyTable(
    "torchvision's ViT",
    _FAMILY,
    (
        ("class_token", "cls_token"),
        ("encoder.pos_embedding", "pos_embed"),
        ("conv_proj", "patch_embed.projection"),
        (f"{_LAYER}.ln_1", f"{_OURS}.ln1"),
        (f"{_LAYER}.self_attention.in_proj_weight", f"{_OURS}.attn.qkv.weight"),
        (f"{_LAYER}.self_attention.in_proj_bias", f"{_OURS}.attn.qkv.bias"),
        (f"{_LAYER}.self_attention.out_proj", f"{_OURS}.attn.proj"),
        (f"{_LAYER}.ln_2", f"{_OURS}.ln2"),
        (f"{_LAYER}.mlp.0", f"{_OURS}.ffn.layers.0.0"),
        (f"{_LAYER}.mlp.3", f"{_OURS}.ffn.layers.1"),
        # in files from before torchvision 0.14
        (f"{_LAYER}.mlp.linear_1", f"{_OURS}.ffn.layers.0.0"),
        (f"{_LAYER}.mlp.linear_2", f"{_OURS}.ffn.layers.1"),
        ("encoder.ln", "ln1"),
    ),
    dropped=("heads",),
)
_ATTENTION = "encoder.layer.{i}.attention"
_EMBEDDED = (
    ("embeddings.cls_token", "cls_token"),
    ("embeddings.position_embeddings", "pos_embed"),
    ("embeddings.register_tokens", "reg_token"),
    ("embeddings.patch_embeddings.projection", "patch_embed.projection"),
    *query_key_value(f"{_ATTENTION}.attention", f"{_OURS}.attn.qkv"),
    (f"{_ATTENTION}.output.dense", f"{_OURS}.attn.proj"),
)
TRANSFORMERS = KeyTable(
    "transformers' ViT",
    _FAMILY,
    (
        *_EMBEDDED,
        ("encoder.layer.{i}.layernorm_before", f"{_OURS}.ln1"),
        ("encoder.layer.{i}.layernorm_after", f"{_OURS}.ln2"),
        ("encoder.layer.{i}.intermediate.dense", f"{_OURS}.ffn.layers.0.0"),
        ("encoder.layer.{i}.output.dense", f"{_OURS}.ffn.layers.1"),
        ("layernorm", "ln1"),
    ),
    prefix="vit.",
    dropped=("classifier", "pooler", "embeddings.mask_token"),
)
TRANSFORMERS_DINOV2 = KeyTable(
    "transformers' DINOv2",
    _FAMILY,
    (
        *_EMBEDDED,
        ("encoder.layer.{i}.norm1", f"{_OURS}.ln1"),
        ("encoder.layer.{i}.layer_scale1.lambda1", f"{_OURS}.attn.gamma1.weight"),
        ("encoder.layer.{i}.norm2", f"{_OURS}.ln2"),
        ("encoder.layer.{i}.mlp.fc1", f"{_OURS}.ffn.layers.0.0"),
        ("encoder.layer.{i}.mlp.fc2", f"{_OURS}.ffn.layers.1"),
        ("encoder.layer.{i}.layer_scale2.lambda1", f"{_OURS}.ffn.gamma2.weight"),
        ("layernorm", "ln1"),
    ),
    prefix="dinov2.",
    dropped=("classifier", "embeddings.mask_token"),
    refused=_REFUSED,
)
TABLES = (MMPRETRAIN, MMSEG, TIMM, DINOV2, MAE, TORCHVISION, TRANSFORMERS, TRANSFORMERS_DINOV2)
