"""Swin Transformer with conditional modules."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import torch
from mmseg.models.backbones import SwinTransformer
from mmseg.models.backbones.swin import SwinBlockSequence
from mmseg.registry import MODELS
from torch import Tensor, nn

from mtlplugins.models.conditioning import Condition
from mtlplugins.models.layers import CondSwinBlock, Windows, use_fast_linears
from mtlplugins.weights import resize_bias_table

from .conditioned import ConditionedEncoder, Trunk, check_stages
from .pretrained import one_checkpoint


@MODELS.register_module()
class CondSwinTransformer(ConditionedEncoder, SwinTransformer):
    """mmseg's ``SwinTransformer`` (https://arxiv.org/abs/2103.14030) with conditional modules.

    Has mmseg's arguments and loads its checkpoints by name. Without a plan it is a drop-in
    replacement of mmseg's class. With a plan, a fresh encoder still computes what the plain one
    with the same weights computes: every conditional module starts as the identity.

    The encoder computes each image once up to the branch point, the first conditioned block, and
    each (image, task) row after it.

    Args:
        pretrain_img_size: Side of the pretraining images; sizes the absolute position embedding.
        in_channels: Channels of the images.
        embed_dims: Channels of the first stage.
        patch_size: Side of a patch in pixels.
        depths: Blocks of each stage.
        num_heads: Attention heads of each stage.
        window_size: Side of a window in tokens.
        strides: Stride of the patch embedding and of each patch merging.
        out_indices: Stages whose maps are returned.
        mlp_ratio: Ratio of the MLPs' hidden channels to the channels.
        qkv_bias: Whether queries, keys and values have a bias.
        qk_scale: Factor of the queries; None for 1/√d.
        patch_norm: Whether patch embedding and patch merging have a norm.
        use_abs_pos_embed: Whether to add a learned absolute position embedding.
        drop_rate: Dropout after linear layers.
        attn_drop_rate: Dropout of attention weights.
        drop_path_rate: Drop path of the last block, growing linearly from 0.
        act_cfg: Config of the MLPs' activation.
        norm_cfg: Config of the norms; conditional LayerNorm needs ``dict(type='LN')``.
        with_cp: Recompute blocks in the backward pass to save memory.
        frozen_stages: Leading stages that are not trained, 0 for the patch embedding alone, -1 for
            none.
        plan: See :class:`ConditioningPlan`; None for the plain encoder.
        pretrained: File or URL of a checkpoint, as older configs give it.
        init_cfg: ``dict(type='Pretrained', checkpoint=FILE_OR_URL)``, optionally with a ``prefix``
            of the keys to take; None to start from scratch.

    Raises:
        ValueError: The plan, ``num_heads`` or ``out_indices`` do not fit the stages, or
            ``window_size`` is not positive; or both ``pretrained`` and ``init_cfg`` are given.
    """

    # an ImageNet checkpoint has no norms at the outputs of the inner stages
    optional_keys = r"norm\d\."
    block_type = CondSwinBlock
    before_blocks = ("patch_embed.", "absolute_pos_embed")

    def __init__(
        self,
        *,
        pretrain_img_size: int | tuple[int, int] = 224,
        in_channels: int = 3,
        embed_dims: int = 96,
        patch_size: int = 4,
        window_size: int = 7,
        mlp_ratio: float = 4,
        depths: Sequence[int] = (2, 2, 6, 2),
        num_heads: Sequence[int] = (3, 6, 12, 24),
        strides: Sequence[int] = (4, 2, 2, 2),
        out_indices: Sequence[int] = (0, 1, 2, 3),
        qkv_bias: bool = True,
        qk_scale: float | None = None,
        patch_norm: bool = True,
        drop_rate: float = 0.0,
        attn_drop_rate: float = 0.0,
        drop_path_rate: float = 0.1,
        use_abs_pos_embed: bool = False,
        act_cfg: dict = dict(type="GELU"),  # noqa: B006, read only
        norm_cfg: dict = dict(type="LN"),  # noqa: B006, read only
        with_cp: bool = False,
        frozen_stages: int = -1,
        plan: dict | None = None,
        pretrained: str | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        self.plan = self._make_plan(plan, depths)
        check_stages("CondSwinTransformer", out_indices, len(depths))
        channels = [embed_dims * 2**i for i in range(len(depths))]
        if len(num_heads) != len(depths) or any(
            heads < 1 or count % heads for count, heads in zip(channels, num_heads, strict=True)
        ):
            raise ValueError(
                f"CondSwinTransformer: num_heads={tuple(num_heads)}: give one for each stage that "
                f"divides its channels, {', '.join(map(str, channels))}"
            )
        if window_size < 1:
            raise ValueError(f"CondSwinTransformer: window_size={window_size}: give 1 or more")
        super().__init__(
            pretrain_img_size=pretrain_img_size,
            in_channels=in_channels,
            embed_dims=embed_dims,
            patch_size=patch_size,
            depths=(0,) * len(depths),  # blocks are made below
            num_heads=num_heads,
            strides=strides,
            out_indices=out_indices,
            patch_norm=patch_norm,
            drop_rate=drop_rate,
            use_abs_pos_embed=use_abs_pos_embed,
            norm_cfg=norm_cfg,
            frozen_stages=frozen_stages,
            init_cfg=one_checkpoint("CondSwinTransformer", pretrained, init_cfg),
        )
        self.window_size = window_size
        total = max(sum(depths) - 1, 1)
        for i, (stage, depth) in enumerate(zip(self.stages, depths, strict=True)):
            for j in range(depth):
                block = CondSwinBlock(
                    embed_dims * 2**i,
                    num_heads[i],
                    int(mlp_ratio * embed_dims * 2**i),
                    window_size=window_size,
                    shift=j % 2 == 1,
                    qkv_bias=qkv_bias,
                    qk_scale=qk_scale,
                    drop_rate=drop_rate,
                    attn_drop_rate=attn_drop_rate,
                    drop_path_rate=drop_path_rate * (sum(depths[:i]) + j) / total,
                    act_cfg=act_cfg,
                    norm_cfg=norm_cfg,
                    with_cp=with_cp,
                )
                self._attach(block, stage=i, index=j, depth=depth)
                cast("nn.ModuleList", stage.blocks).append(block)
        use_fast_linears(self)
        self._freeze_stages()

    @property
    def shift_single_window(self) -> bool:
        """Whether windows are shifted also where one window spans the map, as mmseg does.

        Set by the library that weights come from, so that a pretrained encoder stays the function
        it was trained as; a checkpoint keeps it.
        """
        return getattr(self, "single_window_stays", None) is None

    @shift_single_window.setter
    def shift_single_window(self, value: bool) -> None:
        """Keep it in a buffer, so that checkpoints have it."""
        # only if it differs from mmseg, whose keys are ours
        if value and not self.shift_single_window:
            del self.single_window_stays
        elif not value:
            self.register_buffer("single_window_stays", torch.ones((), dtype=torch.bool))

    def _load_from_state_dict(self, state_dict: dict, prefix: str, *args: Any) -> None:
        self.shift_single_window = f"{prefix}single_window_stays" not in state_dict
        super()._load_from_state_dict(state_dict, prefix, *args)

    def _block_stages(self) -> Sequence[Sequence[CondSwinBlock]]:
        return cast("list[list[CondSwinBlock]]", [stage.blocks for stage in self.stages])

    def _layers(self) -> list[list[nn.Module]]:
        """Return the layers; a patch merging belongs to the block before it, as in mmpretrain."""
        layers, end = super()._layers(), 0
        for stage, blocks in zip(self.stages, self._block_stages(), strict=True):
            end += len(blocks)
            if stage.downsample is not None:
                layers[end - 1].append(cast("nn.Module", stage.downsample))
        return layers

    def _fit_checkpoint(self, state: dict[str, Tensor]) -> None:
        """Interpolate relative position biases that were trained with another window size."""
        for name, own in self.state_dict().items():
            given = state.get(name)
            if not name.endswith("relative_position_bias_table") or given is None:
                continue
            if given.shape != own.shape and given.shape[1] == own.shape[1]:
                state[name] = resize_bias_table(given, len(own))

    def _encode(
        self, x: Tensor | Trunk, condition: Condition | None, *, to_branch: bool
    ) -> tuple[Tensor, ...] | Trunk:
        branch_point = self.branch_point
        order: bool | None = None
        if isinstance(x, Trunk):
            hw_shape, order = x.layout
            start, outs, tokens = self._resume(x)
        else:
            start, outs = (0, 0), []
            tokens, hw_shape = self.patch_embed(x)
            if self.use_abs_pos_embed:
                tokens = tokens + self.absolute_pos_embed
            tokens = self.drop_after_pos(tokens)
        # a slice of a ModuleList is a module, which cannot be compiled
        stages = cast("list[SwinBlockSequence]", list(self.stages))
        blocks = self._block_stages()
        for i, stage in enumerate(stages[start[0] :], start[0]):
            windows = Windows.of(
                tokens,
                hw_shape,
                self.window_size,
                shift_single_window=self.shift_single_window,
            )
            for j, block in enumerate(blocks[i]):
                if (i, j) < start:
                    continue
                tokens = windows.move(tokens, order, block.shifted)
                order = block.shifted
                if (i, j) == branch_point:
                    if to_branch:
                        return Trunk(tokens, tuple(outs), (hw_shape, order))
                    assert condition is not None  # checked by forward
                    tokens = condition.branch(tokens)
                tokens = block(tokens, windows, condition)
            tokens = windows.move(tokens, order, None)
            order = None
            if i in self.out_indices:
                out = getattr(self, f"norm{i}")(tokens)
                outs.append(out.unflatten(1, hw_shape).permute(0, 3, 1, 2).contiguous())
            if stage.downsample is not None:
                tokens, hw_shape = stage.downsample(tokens, hw_shape)
        return tuple(outs)
