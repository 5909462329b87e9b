"""Strategies: small encoders of any shape and plan, beside those of the mm stack."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from hypothesis import strategies as st
from mmpretrain.models.backbones import VisionTransformer
from mmseg.models.backbones import ResNet, SwinTransformer
from torch import Tensor, nn

from mtlplugins.models import CondResNet, CondSwinTransformer, CondVisionTransformer
from mtlplugins.models.conditioning import Condition, conditional_modules
from tests.faults.properties._plans import MODULES, depths_of, last_blocks, plans_for
from tests.models._models import images, perturb

EMBED_DIMS = 6
TASKS = 3


@dataclass
class Case:
    """An encoder to be made, and what it is called with.

    Attributes:
        ours: The conditioned class.
        original: The plain one of the mm stack.
        settings: Arguments of both.
        own: Arguments of the conditioned one alone.
        plan: Its plan.
        depths: Blocks of each stage.
        size: Height and width of the images.
        count: Number of images.
        rows: The images of each task that has rows.
    """

    ours: type[nn.Module]
    original: type[nn.Module]
    settings: dict
    own: dict
    plan: dict
    depths: tuple[int, ...]
    size: tuple[int, int]
    count: int
    rows: dict[int, list[int]]

    def encoder(self) -> nn.Module:
        """The conditioned encoder in eval mode, as it starts."""
        torch.manual_seed(0)
        encoder = self.ours(**self.settings, **self.own, plan=self.plan).double().eval()
        encoder.init_weights()
        return encoder

    def moved(self) -> nn.Module:
        """The conditioned encoder, its tasks apart."""
        encoder = self.encoder()
        parameters = [p for m in conditional_modules(encoder) for p in m.parameters()]
        perturb(parameters, std=0.3)
        return encoder

    def plain(self) -> nn.Module:
        torch.manual_seed(1)
        plain = self.original(**self.settings).double()
        plain.eval()  # mmseg's SwinTransformer returns nothing here
        return plain

    def images(self) -> Tensor:
        return images(self.count, self.size).double()

    def condition(self, rows: dict[int, list[int]] | None = None) -> Condition:
        """Rows of tasks, the embedding of each of which depends on the task alone."""
        rows = self.rows if rows is None else rows
        drawn = torch.randn(TASKS, EMBED_DIMS, generator=torch.Generator().manual_seed(7))
        return Condition(
            z=drawn[list(rows)].double(),
            image_index=torch.tensor([i for own in rows.values() for i in own]),
            task_index=torch.tensor([t for t, own in enumerate(rows.values()) for _ in own]),
            rows_per_task=tuple(map(len, rows.values())),
        )

    @property
    def pairs(self) -> list[tuple[int, int]]:
        """Task and image of each row."""
        return [(task, image) for task, own in self.rows.items() for image in own]

    @property
    def first(self) -> tuple[int, int] | None:
        """Stage and block of the first one with a conditional module, told from the plan."""
        carried = [last_blocks(self.plan.get(module), self.depths) for module in MODULES]
        for stage, depth in enumerate(self.depths):
            for block in range(depth):
                if any(block in blocks[stage] for blocks in carried):
                    return stage, block
        return None


@st.composite
def _swin(draw: st.DrawFn) -> dict:
    depths = draw(depths_of(stages=3, blocks=3))
    stages = len(depths)
    settings = dict(
        embed_dims=8, depths=depths, num_heads=(1, 2, 4)[:stages], patch_size=2,
        strides=(2,) * stages, window_size=draw(st.integers(2, 4)), drop_path_rate=0.0,
        out_indices=tuple(sorted(draw(st.sets(st.integers(0, stages - 1), min_size=1)))),
        patch_norm=draw(st.booleans()), qkv_bias=draw(st.booleans()),
    )  # fmt: skip
    return dict(ours=CondSwinTransformer, original=SwinTransformer, settings=settings, own={},
                depths=depths, size=draw(st.tuples(*[st.integers(4, 20)] * 2)))  # fmt: skip


@st.composite
def _vit(draw: st.DrawFn) -> dict:
    depths = draw(depths_of(stages=1, blocks=4))
    learnt = tuple(4 * side for side in draw(st.tuples(*[st.integers(1, 4)] * 2)))
    settings = dict(
        arch=dict(embed_dims=8, num_layers=depths[0], num_heads=2, feedforward_channels=12),
        img_size=learnt, patch_size=4, out_type="featmap", with_cls_token=draw(st.booleans()),
        out_indices=sorted(draw(st.sets(st.integers(0, depths[0] - 1), min_size=1))),
        layer_scale_init_value=draw(st.sampled_from((0.0, 0.5))),
    )  # fmt: skip
    block = draw(st.one_of(st.none(), st.integers(1, 20)))
    sides = st.integers(1, 5).map(lambda n: 4 * n)
    size = learnt if block else draw(st.one_of(st.just(learnt), st.tuples(sides, sides)))
    return dict(ours=CondVisionTransformer, original=VisionTransformer, settings=settings,
                own=dict(attention_block_size=block), depths=depths, size=size)  # fmt: skip


@st.composite
def _resnet(draw: st.DrawFn) -> dict:
    stages = draw(st.integers(1, 4))
    depth, blocks = draw(st.sampled_from(((18, (2, 2, 2, 2)), (50, (3, 4, 6, 3)))))
    settings = dict(
        depth=depth, stem_channels=4, base_channels=2, num_stages=stages,
        strides=(1, 2, 2, 2)[:stages], dilations=(1,) * stages, stage_with_dcn=(False,) * stages,
        out_indices=tuple(sorted(draw(st.sets(st.integers(0, stages - 1), min_size=1)))),
    )  # fmt: skip
    size = draw(st.tuples(*[st.integers(1, 40)] * 2))
    return dict(ours=CondResNet, original=ResNet, settings=settings, own={},
                depths=blocks[:stages], size=size)  # fmt: skip


def row_patterns(count: int) -> st.SearchStrategy[dict[int, list[int]]]:
    """Some tasks in some order, with some of the images each; at least one row."""
    some = st.sets(st.integers(0, count - 1), min_size=1).map(sorted)
    return st.dictionaries(st.integers(0, TASKS - 1), some, min_size=1)


@st.composite
def cases(draw: st.DrawFn, kind: str) -> Case:
    made = draw(dict(swin=_swin, vit=_vit, resnet=_resnet)[kind]())
    modules: Sequence[str] = MODULES[1:] if kind == "resnet" else MODULES
    plan = draw(plans_for(made["depths"], modules)) | dict(embed_dims=EMBED_DIMS)
    count = draw(st.integers(1, 3))
    return Case(**made, plan=plan, count=count, rows=draw(row_patterns(count)))
