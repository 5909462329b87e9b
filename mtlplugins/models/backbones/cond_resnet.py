"""ResNet with conditional modules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mmseg.models.backbones import ResNet
from mmseg.models.backbones.resnet import BasicBlock, Bottleneck
from mmseg.models.utils import ResLayer
from mmseg.registry import MODELS
from torch import Tensor, nn

from mtlplugins.models.conditioning import Condition, ConditioningPlan
from mtlplugins.models.layers import (
    CondBasicBlock,
    CondBottleneck,
    ConditionalBlock,
    allows_channels_last,
    for_convolutions,
)

from .conditioned import ConditionedEncoder, Trunk, check_stages
from .pretrained import one_checkpoint

_CONDITIONED: dict[type[nn.Module], type[nn.Module]] = {
    BasicBlock: CondBasicBlock,
    Bottleneck: CondBottleneck,
}


@MODELS.register_module()
class CondResNet(ConditionedEncoder, ResNet):
    """mmseg's ``ResNet`` (https://arxiv.org/abs/1512.03385) with conditional modules.

    Has mmseg's arguments and loads its checkpoints, and torchvision's, by name. With
    ``deep_stem=True`` it is mmseg's ``ResNetV1c``, with ``avg_down=True`` as well its
    ``ResNetV1d``. Without a plan it is a drop-in replacement of mmseg's class. With a plan, a fresh
    encoder still computes what the plain one with the same weights computes.

    The plan's ``norm`` is FiLM on the output of each norm of the residual branch. The shortcut's
    norm stays plain, because FiLM on it would shift the same sum twice. The plan's ``adapter`` is
    in parallel to the whole block, ``x ← Block(x) + Adapter(shortcut(x))``, outside the block's
    last ReLU, so maps may get negative values. ``shortcut`` is the block's own: the identity or, in
    the first block of a stage that changes channels and stride, its projection, which gives the
    adapter's input the shape of its output. There is no attention to condition.

    The encoder computes each image once up to the branch point, the first conditioned block, and
    each (image, task) row after it. So batch statistics are over images before the branch point
    and over rows after it.

    Args:
        depth: 18, 34, 50, 101 or 152.
        in_channels: Channels of the images.
        stem_channels: Channels of the stem.
        base_channels: Channels of the first stage's 3 x 3 convolutions.
        num_stages: Number of stages, 1 to 4.
        strides: Stride of the first block of each stage.
        dilations: Dilation of each stage.
        out_indices: Stages whose maps are returned.
        style: Which convolution of a bottleneck has the stride: ``'pytorch'`` the 3 x 3 one,
            ``'caffe'`` the first 1 x 1 one.
        deep_stem: Use three 3 x 3 convolutions instead of a 7 x 7 one.
        avg_down: Use average pooling instead of a stride in the shortcuts.
        frozen_stages: Leading stages that are not trained, 0 for the stem alone, -1 for none.
        conv_cfg: Config of the convolutions.
        norm_cfg: Config of the norms.
        norm_eval: Whether batch norms keep their statistics in training.
        dcn: Config of deformable convolutions; needs a full mmcv.
        stage_with_dcn: Whether each stage has deformable convolutions.
        plugins: mmseg's plugins of bottlenecks.
        multi_grid: Dilation of each block of the last stage.
        contract_dilation: Whether the first dilation of a stage is halved.
        with_cp: Recompute blocks in the backward pass to save memory.
        zero_init_residual: Whether the gain of the last norm of each block starts at 0.
        pretrained: File or URL of a checkpoint, as mmseg's older configs give it.
        plan: See :class:`ConditioningPlan`; None for the plain encoder.
        init_cfg: ``dict(type='Pretrained', checkpoint=FILE_OR_URL)``, optionally with a ``prefix``
            of the keys to take; None to start from scratch.

    Raises:
        ValueError: The depth is unknown; ``out_indices``, ``strides``, ``dilations`` or the plan do
            not fit the stages; the plan conditions a part that a ResNet lacks; or both
            ``pretrained`` and ``init_cfg`` are given.
    """

    # torchvision's older checkpoints have no batch counter; only norms without momentum read it
    optional_keys = r".*\bnum_batches_tracked$"
    block_type = CondBasicBlock
    before_blocks = ("conv1.", "bn1.", "stem.")

    def __init__(
        self,
        depth: int,
        *,
        in_channels: int = 3,
        stem_channels: int = 64,
        base_channels: int = 64,
        num_stages: int = 4,
        strides: Sequence[int] = (1, 2, 2, 2),
        dilations: Sequence[int] = (1, 1, 1, 1),
        out_indices: Sequence[int] = (0, 1, 2, 3),
        style: str = "pytorch",
        deep_stem: bool = False,
        avg_down: bool = False,
        frozen_stages: int = -1,
        conv_cfg: dict | None = None,
        norm_cfg: dict = dict(type="BN", requires_grad=True),  # noqa: B006, read only
        norm_eval: bool = False,
        dcn: dict | None = None,
        stage_with_dcn: Sequence[bool] = (False, False, False, False),
        plugins: Sequence[dict] | None = None,
        multi_grid: Sequence[int] | None = None,
        contract_dilation: bool = False,
        with_cp: bool = False,
        zero_init_residual: bool = True,
        pretrained: str | None = None,
        plan: dict | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        if depth not in self.arch_settings:
            depths = ", ".join(map(str, self.arch_settings))
            raise ValueError(f"CondResNet: depth={depth}: give one of {depths}")
        check_stages("CondResNet", out_indices, num_stages)
        if not len(strides) == len(dilations) == num_stages:
            raise ValueError(
                f"CondResNet: num_stages={num_stages}, strides={tuple(strides)}, dilations="
                f"{tuple(dilations)}: give one stride and one dilation for each stage"
            )
        self.plan = self._make_plan(plan, self.arch_settings[depth][1][:num_stages])
        super().__init__(
            depth,
            in_channels=in_channels,
            stem_channels=stem_channels,
            base_channels=base_channels,
            num_stages=num_stages,
            strides=strides,
            dilations=dilations,
            out_indices=out_indices,
            style=style,
            deep_stem=deep_stem,
            avg_down=avg_down,
            frozen_stages=frozen_stages,
            conv_cfg=conv_cfg,
            norm_cfg=norm_cfg,
            norm_eval=norm_eval,
            dcn=dcn,
            stage_with_dcn=stage_with_dcn,
            plugins=plugins,
            multi_grid=multi_grid,
            contract_dilation=contract_dilation,
            with_cp=with_cp,
            zero_init_residual=zero_init_residual,
            init_cfg=one_checkpoint("CondResNet", pretrained, init_cfg),
        )
        self._channels_last = allows_channels_last(self)

    @classmethod
    def _make_plan(
        cls, plan: Mapping[str, Any] | None, depths: Sequence[int]
    ) -> ConditioningPlan | None:
        made = super()._make_plan(plan, depths)
        if made and made.norm_from_scratch:
            raise ValueError(
                "plan.norm_from_scratch is for LayerNorm: a ResNet's norms keep their pretrained "
                "gain and bias, FiLM follows them; leave norm_from_scratch out"
            )
        return made

    def make_res_layer(self, block: type[nn.Module], **settings: Any) -> ResLayer:
        """Make the next stage from blocks that may carry conditional modules."""
        layer = super().make_res_layer(block=_CONDITIONED[block], **settings)
        stage = len(self.res_layers)
        for j, made in enumerate(layer):
            self._attach(made, stage=stage, index=j, depth=len(layer))
        return layer

    def _block_stages(self) -> Sequence[Sequence[ConditionalBlock]]:
        return [getattr(self, name) for name in self.res_layers]

    def _encode(
        self, x: Tensor | Trunk, condition: Condition | None, *, to_branch: bool
    ) -> tuple[Tensor, ...] | Trunk:
        branch_point = self.branch_point
        if isinstance(x, Trunk):
            start, outs, y = self._resume(x)
        else:
            start, outs = (0, 0), []
            y = for_convolutions(x, channels_last=self._channels_last)
            y = self.stem(y) if self.deep_stem else self.relu(self.norm1(self.conv1(y)))
            y = self.maxpool(y)
        for i, blocks in enumerate(self._block_stages()[start[0] :], start[0]):
            for j, block in enumerate(blocks):
                if (i, j) < start:
                    continue
                if (i, j) == branch_point:
                    if to_branch:
                        return Trunk(y, tuple(outs))
                    assert condition is not None  # checked by forward
                    y = for_convolutions(condition.branch(y), channels_last=self._channels_last)
                y = block(y, condition)
            if i in self.out_indices:
                outs.append(y.contiguous())  # some of mmseg's heads flatten it with view
        return tuple(outs)
