"""Vision Transformer with conditional modules."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch
from mmengine.model import ModuleList
from mmpretrain.models.backbones import VisionTransformer
from mmpretrain.models.utils import resize_pos_embed
from mmseg.registry import MODELS
from torch import Tensor

from mtlplugins.models.conditioning import Condition
from mtlplugins.models.layers import CondViTBlock, use_fast_linears

from .conditioned import ConditionedEncoder, Trunk
from .pretrained import one_checkpoint


@MODELS.register_module()
class CondVisionTransformer(ConditionedEncoder, VisionTransformer):
    """mmpretrain's ``VisionTransformer`` (https://arxiv.org/abs/2010.11929), conditioned.

    Has mmpretrain's arguments and loads its checkpoints by name. Without a plan it is a drop-in
    replacement of mmpretrain's class, except that the modules ``frozen_stages`` freezes stay in
    eval mode, as mmpretrain documents. With a plan, a fresh encoder still computes what the plain
    one with the same weights computes: every conditional module starts as the identity.

    The encoder computes each image once up to the branch point, the first conditioned block, and
    each (image, task) row after it. For a plan, all blocks are one stage: ``attention=(4,)``
    conditions the last four.

    Images may have any size. Like the position embedding, conditional attention is learned for the
    patch grid of ``img_size`` and interpolated to those of other images: see
    :func:`~mtlplugins.models.layers.resize_row_blocks`.

    Args:
        arch: Name of an architecture in ``arch_zoo``, or a dict with ``embed_dims``,
            ``num_layers``, ``num_heads`` and ``feedforward_channels``.
        img_size: Side, or height and width, of the images that the position embedding and
            conditional attention are learned for.
        patch_size: Side of a patch in pixels.
        in_channels: Channels of the images.
        out_indices: Blocks whose output is returned, -1 for the last.
        drop_rate: Dropout after linear layers.
        drop_path_rate: Drop path of the last block, growing linearly from 0.
        qkv_bias: Whether queries, keys and values have a bias.
        norm_cfg: Config of the norms; conditional LayerNorm needs ``dict(type='LN')``.
        final_norm: Whether the last block's output is normalised.
        out_type: ``'featmap'`` for maps (B, C, H', W'), which decoders need; ``'cls_token'`` and
            ``'avg_featmap'`` for vectors (B, C), ``'raw'`` for tokens (B, L, C).
        with_cls_token: Whether a class token precedes the patch tokens.
        frozen_stages: Number of leading blocks that are frozen, with all layers before them; 0 and
            -1 for none.
        interpolate_mode: How the position embedding is interpolated to other image sizes.
        layer_scale_init_value: Initial layer scale of each residual branch, 0 for no layer scale.
        patch_cfg: Further arguments of mmcv's ``PatchEmbed``.
        layer_cfgs: Further arguments of all blocks, or one dict per block.
        pre_norm: Whether the first block's input is normalised.
        attention_block_size: Side L of the blocks of conditional attention in tokens; None for one
            row of patches. A number restricts the encoder to images of ``img_size``.
        plan: See :class:`ConditioningPlan`; None for the plain encoder.
        pretrained: File or URL of a checkpoint, as older configs give it.
        init_cfg: ``dict(type='Pretrained', checkpoint=FILE_OR_URL)``, optionally with a ``prefix``
            of the keys to take; None to start from scratch.

    Raises:
        ValueError: The architecture or output is unknown; ``out_indices`` or the plan do not fit
            the blocks; or both ``pretrained`` and ``init_cfg`` are given.
    """

    # classifiers of the class token have no norm of the mean over patches
    optional_keys = r"ln2\."
    block_type = CondViTBlock
    before_blocks = ("patch_embed.", "pos_embed", "cls_token", "pre_norm.")

    def __init__(
        self,
        *,
        arch: str | dict = "base",
        img_size: int | tuple[int, int] = 224,
        patch_size: int = 16,
        in_channels: int = 3,
        out_indices: int | Sequence[int] = -1,
        drop_rate: float = 0.0,
        drop_path_rate: float = 0.0,
        qkv_bias: bool = True,
        norm_cfg: dict = dict(type="LN", eps=1e-6),  # noqa: B006, read only
        final_norm: bool = True,
        out_type: str = "cls_token",
        with_cls_token: bool = True,
        frozen_stages: int = -1,
        interpolate_mode: str = "bicubic",
        layer_scale_init_value: float = 0.0,
        patch_cfg: dict = dict(),  # noqa: B006, read only
        layer_cfgs: dict | Sequence[dict] = dict(),  # noqa: B006, read only
        pre_norm: bool = False,
        attention_block_size: int | None = None,
        plan: dict | None = None,
        pretrained: str | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        settings = _settings(arch, self.arch_zoo)
        depth = settings["num_layers"]
        self.plan = self._make_plan(plan, (depth,))
        super().__init__(
            arch={**settings, "num_layers": 0},  # blocks are made below
            img_size=img_size,
            patch_size=patch_size,
            in_channels=in_channels,
            out_indices=(0,),
            drop_rate=drop_rate,
            norm_cfg=norm_cfg,
            final_norm=final_norm,
            out_type=out_type,
            with_cls_token=with_cls_token,
            interpolate_mode=interpolate_mode,
            patch_cfg=patch_cfg,
            pre_norm=pre_norm,
            init_cfg=one_checkpoint("CondVisionTransformer", pretrained, init_cfg),
        )
        self.arch_settings = settings
        self.num_layers = depth
        self.out_indices = _non_negative(out_indices, depth)
        self.frozen_stages = frozen_stages
        if isinstance(layer_cfgs, dict):
            layer_cfgs = [layer_cfgs] * depth
        self.layers = ModuleList()
        for i, layer_cfg in zip(range(depth), layer_cfgs, strict=True):
            block_cfg = dict(
                embed_dims=self.embed_dims,
                num_heads=settings["num_heads"],
                feedforward_channels=settings["feedforward_channels"],
                layer_scale_init_value=layer_scale_init_value,
                drop_rate=drop_rate,
                drop_path_rate=drop_path_rate * i / max(depth - 1, 1),
                qkv_bias=qkv_bias,
                norm_cfg=norm_cfg,
            )
            block = CondViTBlock(**block_cfg | layer_cfg)
            self._attach(
                block,
                stage=0,
                index=i,
                depth=depth,
                grid=self.patch_resolution,
                attention_block_size=attention_block_size,
            )
            self.layers.append(block)
        use_fast_linears(self)
        self._freeze_stages()

    def _block_stages(self) -> Sequence[Sequence[CondViTBlock]]:
        return [cast("list[CondViTBlock]", self.layers)]

    @property
    def shared_maps(self) -> int:
        """Number of maps before the branch point, which are of images and not of rows."""
        first = self.branch_point[1] if self.branch_point else self.num_layers
        return sum(block < first for block in self.out_indices)

    def _fit_checkpoint(self, state: dict[str, Tensor]) -> None:
        """Interpolate a position embedding that was trained with another image size."""
        given = state.get("pos_embed")
        if given is None:
            return
        if not self.with_cls_token and _is_square(given.shape[1] - 1):  # the class token's first
            given = state["pos_embed"] = given[:, 1:]
        patches = given.shape[1] - self.num_extra_tokens
        if _is_square(patches):  # else loading reports the shapes
            self._prepare_pos_embed(state, "")

    def train(self, mode: bool = True) -> CondVisionTransformer:
        """Set the mode; frozen modules stay in eval mode."""
        super().train(mode)
        self._freeze_stages()
        return self

    def _freeze_stages(self) -> None:
        if self.frozen_stages > 0:
            VisionTransformer._freeze_stages(self)
        self._freeze_by_plan()

    def _encode(
        self, x: Tensor | Trunk, condition: Condition | None, *, to_branch: bool
    ) -> tuple[Tensor, ...] | Trunk:
        branch_point = self.branch_point
        if isinstance(x, Trunk):
            (grid,) = x.layout
            (_, start), outs, tokens = self._resume(x)
        else:
            start, outs = 0, []
            tokens, grid = self._embed(x)
        layers = list(self.layers)  # a slice of a ModuleList is a module, which cannot be compiled
        for i, block in enumerate(layers[start:], start):
            if (0, i) == branch_point:
                if to_branch:
                    return Trunk(tokens, tuple(outs), (grid,))
                assert condition is not None  # checked by forward
                tokens = condition.branch(tokens)
            tokens = block(tokens, grid, condition)
            if self.final_norm and i == self.num_layers - 1:
                tokens = self.ln1(tokens)
            if i in self.out_indices:
                outs.append(self._format_output(tokens, grid))
        return tuple(outs)

    def _embed(self, x: Tensor) -> tuple[Tensor, tuple[int, int]]:
        """Embed images (B, 3, H, W) as tokens (B, L, C); return them and their patch grid."""
        x, grid = self.patch_embed(x)
        if self.cls_token is not None:
            x = torch.cat([self.cls_token.expand(x.shape[0], -1, -1), x], dim=1)
        x = x + resize_pos_embed(
            self.pos_embed,
            self.patch_resolution,
            grid,
            mode=self.interpolate_mode,
            num_extra_tokens=self.num_extra_tokens,
        )
        return self.pre_norm(self.drop_after_pos(x)), grid


def _settings(arch: str | dict, known: dict[str, dict]) -> dict:
    """Look up a named architecture, or check a dict that describes one."""
    if isinstance(arch, str):
        if arch.lower() not in known:
            raise ValueError(f"arch={arch!r}: give a dict or one of {', '.join(known)}")
        return known[arch.lower()]
    needed = ("embed_dims", "num_layers", "num_heads", "feedforward_channels")
    if missing := [key for key in needed if key not in arch]:
        raise ValueError(f"arch={arch!r} lacks {', '.join(missing)}")
    if arch["num_heads"] < 1 or arch["embed_dims"] % arch["num_heads"]:
        raise ValueError(
            f"arch: num_heads={arch['num_heads']} does not divide embed_dims={arch['embed_dims']}"
        )
    return dict(arch)


def _non_negative(out_indices: int | Sequence[int], depth: int) -> tuple[int, ...]:
    """Resolve negative indices, which count from the last block, and sort."""
    asked = (out_indices,) if isinstance(out_indices, int) else tuple(out_indices)
    indices = {index + depth if index < 0 else index for index in asked}
    if not indices or not all(0 <= index < depth for index in indices):
        raise ValueError(f"out_indices={out_indices}: give blocks, 0 to {depth - 1}")
    return tuple(sorted(indices))


def _is_square(count: int) -> bool:
    return round(count**0.5) ** 2 == count
