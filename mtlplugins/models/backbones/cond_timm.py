"""Any encoder of timm with conditional modules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain, takewhile
from typing import Any, cast

from mmseg.registry import MODELS
from torch import Tensor, nn

from mtlplugins.common.private import embed_timm_positions, is_plain_transformer
from mtlplugins.models.conditioning import MODULES, Condition, ConditionalLayerNorm
from mtlplugins.models.layers import TimmBlock, timm_block
from mtlplugins.weights import load_into_timm, read_weights

from .conditioned import ConditionedEncoder, Trunk
from .pretrained import conditional_keys
from .timm_network import compare, is_known, make_network, steps_of

#: Families that can carry what others lack; docs/encoders.md has the whole table.
_ABLE = {
    "logits": "ViT, DINOv2, DINOv3, EVA-02 and Swin",
    "linears": "ViT, DINOv2, DINOv3, EVA-02, Swin and ConvNeXt with linear layers",
    "memory": "ViT, DINOv2, DINOv3 and EVA-02",
}


@MODELS.register_module()
class CondTimmBackbone(ConditionedEncoder):
    """An encoder of timm (https://github.com/huggingface/pytorch-image-models), conditioned.

    Returns timm's features of a model as maps; a transformer's without its class and register
    tokens. With a plan, a fresh encoder still computes what timm's model with the same weights
    computes: every conditional module starts as the identity. docs/encoders.md says what the
    blocks of each family can carry.

    The blocks up to a feature are a stage of the plan, which has a number for each feature up to
    the last of ``out_indices``; a ResNet's first one, its stem, has no blocks. In a plain
    transformer, where each block is a feature, all blocks are one stage: ``norm=(4,)`` conditions
    the last four.

    The encoder computes each image once up to the branch point, the first conditioned block, and
    each (image, task) row after it. A conditional LayerNorm takes the place of a LayerNorm; FiLM
    follows other norms, before an activation that is part of them. ``low_rank`` and ``singular``
    are in the linear layers of attention and MLP; queries meet ``prompts`` before rotary positions.
    Images may have any size; positions of ViTs, and conditional attention between all their tokens,
    are interpolated.

    Args:
        model_name: Name of the model in timm. Its weights are not fetched, see ``init_cfg``.
        out_indices: Features that are returned, negative ones from the last; None for all.
        model_args: Further arguments of timm's model, such as ``img_size`` or ``drop_path_rate``.
        with_cp: Recompute blocks in the backward pass to save memory.
        plan: See :class:`ConditioningPlan`; None for the plain encoder.
        init_cfg: ``dict(type='Pretrained', checkpoint=ADDRESS)``, optionally with a ``prefix`` of
            the keys to take; None to start from scratch. The address is a file, a URL,
            ``timm://NAME``, which timm's hub has, or ``package://NAME``.

    Attributes:
        channels: Channels of each returned map.
        strides: Stride of each returned map in pixels.

    Raises:
        ValueError: timm has no such model, the model no such features, or its blocks cannot carry
            a module of the plan.
    """

    block_type = TimmBlock

    def __init__(
        self,
        model_name: str,
        *,
        out_indices: Sequence[int] | None = None,
        model_args: Mapping[str, Any] = {},
        with_cp: bool = False,
        plan: dict | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        self.model_name = model_name
        self.network, self.out_indices = make_network(model_name, out_indices, model_args)
        features = [self.network.feature_info[i] for i in self.out_indices]
        self.channels = tuple(feature["num_chs"] for feature in features)
        self.strides = tuple(feature["reduction"] for feature in features)
        self._steps, self._depths = steps_of(self.network, self.out_indices[-1] + 1)
        self.plan = None
        # ViTs, and Eva, which timm's DINOv3 is too
        self._is_plain = is_plain_transformer(self.network)
        if self._is_plain:  # what is before the blocks is not one layer after the other
            self._steps = tuple(step for step in self._steps if step.block)
        self._layout = "tokens" if self._is_plain else getattr(self.network, "output_fmt", "NCHW")
        grid = self.network.patch_embed.grid_size if self._is_plain else None
        for block in chain(*self._block_stages()):
            timm_block(block, self._layout, grid=grid, with_cp=with_cp)
        compare(self.network, self.out_indices, self._encode_images)
        self.plan = self._make_plan(plan, self._depths)
        self._attach_plan()
        self.before_blocks = self._names_before_blocks()
        self._freeze_by_plan()

    def _block_stages(self) -> Sequence[Sequence[TimmBlock]]:
        stages: list[list[TimmBlock]] = [[] for _ in self._depths]
        for step in self._steps:
            if step.block:
                stages[step.block[0]].append(self._module(step.name))
        return stages

    def _module(self, name: str) -> Any:
        # by name: conversion to synchronised batch norms replaces modules
        return self.network.get_submodule(name)

    @property
    def shared_maps(self) -> int:
        """Number of maps before the branch point, which are of images and not of rows."""
        blocks = [step.block for step in self._steps]
        first = blocks.index(self.branch_point) if self.branch_point else len(blocks)
        return sum(step.feature in self.out_indices for step in self._steps[:first])

    def train(self, mode: bool = True) -> CondTimmBackbone:
        """Set the mode; frozen modules stay in eval mode."""
        super().train(mode)
        self._freeze_by_plan()
        return self

    def _encode(
        self, x: Tensor | Trunk, condition: Condition | None, *, to_branch: bool
    ) -> tuple[Tensor, ...] | Trunk:
        branch_point = self.branch_point
        if isinstance(x, Trunk):
            start, grid = x.layout
            _, outs, y = self._resume(x)
            rope = self._rotations(grid)
        else:
            start, outs = 0, []
            y, grid, rope = self._embed(x) if self._is_plain else (x, None, None)
        for i, step in enumerate(self._steps[start:], start):
            module = self._module(step.name)
            if step.block is None:
                y = module(y)
            else:
                if step.block == branch_point:
                    if to_branch:
                        return Trunk(y, tuple(outs), (i, grid))
                    assert condition is not None  # checked by forward
                    y = condition.branch(y)
                given = {} if rope is None else dict(rope=self._of_block(rope, i))
                y = module(y, condition, grid=grid, **given)
            if step.feature in self.out_indices:
                outs.append(self._to_map(y, grid))
        return tuple(outs)

    def _encode_images(self, x: Tensor) -> tuple[Tensor, ...]:
        return cast("tuple[Tensor, ...]", self._encode(x, None, to_branch=False))

    def _embed(self, x: Tensor) -> tuple[Tensor, tuple[int, int], Tensor | None]:
        """Embed images (B, 3, H, W); return tokens (B, L, C), the patch grid and rotations."""
        patches = self.network.patch_embed(x)  # (B, h, w, C)
        tokens, rope = embed_timm_positions(self.network, patches)
        return self.network.norm_pre(tokens), (patches.shape[1], patches.shape[2]), rope

    def _rotations(self, grid: tuple[int, int] | None) -> Tensor | None:
        """Return the rotary positions of a patch grid; None in a network without."""
        rope = getattr(self.network, "rope", None)
        return None if rope is None else rope.get_embed(shape=grid)

    def _of_block(self, rope: Tensor, index: int) -> Tensor:
        return rope[index] if self.network.rope_mixed else rope  # learned ones differ

    def _to_map(self, y: Tensor, grid: tuple[int, int] | None) -> Tensor:
        """Turn tokens or a map into a map (R, C, H, W)."""
        if grid is not None:
            y = y[:, self.network.num_prefix_tokens :].transpose(1, 2).unflatten(2, grid)
        elif self._layout == "NHWC":
            y = y.permute(0, 3, 1, 2)
        return y.contiguous()

    def _load_pretrained(self, init_cfg: dict) -> None:
        state, beside = read_weights(init_cfg)
        state = {key.removeprefix("network."): value for key, value in state.items()}
        added = conditional_keys(self.network)
        load_into_timm(self.network, state, init_cfg["checkpoint"], beside=beside, added=added)

    def _layers(self) -> list[list[nn.Module]]:
        """Return the layers; one between stages belongs to the block before it."""
        layers: list[list[nn.Module]] = []
        for step in self._steps:
            if step.block:
                layers.append([self._module(step.name)])
            elif layers:
                layers[-1].append(self._module(step.name))
        return layers

    def _names_before_blocks(self) -> tuple[str, ...]:
        within = {id(p) for layer in self._layers() for m in layer for p in m.parameters()}
        named = self.network.named_parameters()
        return tuple(f"network.{name}" for name, p in named if id(p) not in within)

    def _attach_plan(self) -> None:
        """Attach the plan's modules to the blocks.

        Raises:
            ValueError: A block has no room for one.
        """
        if self.plan is None:
            return
        if not any(self._depths):
            raise ValueError(
                f"plan: {self.model_name} has no list of blocks to condition; leave the plan out, "
                "or take a model of docs/encoders.md"
            )
        for stage, blocks in enumerate(self._block_stages()):
            for index, block in enumerate(blocks):
                for name in self.plan.modules_of(stage=stage, block=index, depth=len(blocks)):
                    if lack := self._lack(block, MODULES[name].place):
                        raise ValueError(self._refusal(name, lack, stage, index))
                self._attach(block, stage=stage, index=index, depth=len(blocks))
        layer_norm = any(isinstance(m, ConditionalLayerNorm) for m in self.network.modules())
        if self.plan.norm_from_scratch and not layer_norm:
            raise ValueError(
                f"plan.norm_from_scratch is for LayerNorm: the norms of {self.model_name} keep "
                "their pretrained gain and bias, FiLM follows them; leave norm_from_scratch out"
            )

    def _lack(self, block: TimmBlock, place: str) -> str | None:
        """Say what a block lacks to carry a module in a place; None if it can carry it."""
        if place in _ABLE and not is_known(self.network):
            return "parts that may not keep images apart, as in no family that tests hold"
        return block.lacks(place)

    def _refusal(self, name: str, lack: str, stage: int, index: int) -> str:
        assert self.plan is not None
        blocks = self._block_stages()[stage]
        places = {p for p in TimmBlock.places if not self._lack(blocks[index], p)}
        able = [f"plan.{m}" for m, kind in MODULES.items() if kind.place in places]
        place = MODULES[name].place
        room = sum(1 for _ in takewhile(lambda b: not self._lack(b, place), blocks[::-1]))
        others = _ABLE.get(place)
        return (
            f"plan.{name}={self.plan.blocks[name]}: block {index} of stage {stage} of "
            f"{self.model_name} (timm's {type(blocks[index]).__name__.removeprefix('Cond')}) has "
            f"{lack}; it can carry {', '.join(able) or 'nothing'}"
            + (f". The last {room} blocks of the stage can carry {name}" if room else "")
            + (f". {name} is for {others}" if others else "")
            + " (docs/encoders.md)"
        )
