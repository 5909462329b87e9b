"""What encoders that may depend on the task have in common."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, NamedTuple

from torch import Tensor, nn

from mtlplugins.models.conditioning import (
    MODULES,
    Condition,
    ConditionalLayerNorm,
    ConditioningPlan,
    conditional_modules,
)
from mtlplugins.models.layers import ConditionalBlock, quicken

from .freezing import freeze_all_but
from .pretrained import load_pretrained, read_pretrained

_LACKS = {
    "logits": "no attention to condition",
    "norms": "no norms to condition",
    "linears": "no linear layers to add to",
    "memory": "no attention between all tokens of an image",
    "beside": "no room for a module beside it",
}


class Trunk(NamedTuple):
    """Where an encoder stands at its branch point: what all tasks of an image share.

    Attributes:
        x: Tokens or a map of B images, from which the first conditioned block goes on.
        maps: The maps of the stages before, as the encoder returns them.
        layout: What the encoder needs to know of ``x`` besides.
    """

    x: Tensor | None
    maps: tuple[Tensor, ...]
    layout: tuple[Any, ...] = ()


class ConditionedEncoder:
    """Base of the conditioned encoders, to stand before the plain architecture it is mixed into.

    The encoder sets ``plan`` by ``_make_plan`` before it initialises the plain architecture,
    attaches to each of its blocks what ``_modules_of`` lists and gives the blocks in
    ``_block_stages``. The plain architecture brings ``out_indices``, ``_freeze_stages`` and
    ``init_weights``.

    Attributes:
        plan: Which blocks carry which conditional module; None for the plain encoder.
    """

    #: Matches the keys that a checkpoint of the plain architecture may lack; here none.
    optional_keys = r"(?!)"

    #: The class of the blocks, which says where they have room for conditional modules.
    block_type: ClassVar[type[ConditionalBlock]]

    plan: ConditioningPlan | None

    @classmethod
    def _make_plan(
        cls, plan: Mapping[str, Any] | None, depths: Sequence[int]
    ) -> ConditioningPlan | None:
        """Make the plan, and check that the blocks have room for its modules."""
        made = ConditioningPlan.from_config(plan, depths)
        places = cls.block_type.places
        for name, counts in made.blocks.items() if made else ():
            place = MODULES[name].place
            if place in places or not any(counts):
                continue
            able = [m for m, kind in MODULES.items() if kind.place in places]
            others = [
                e for e in ConditionedEncoder.__subclasses__() if place in e.block_type.places
            ]
            raise ValueError(
                f"plan.{name}={counts}: a block of {cls.__name__} has {_LACKS[place]}; condition "
                f"it by {' or '.join(f'plan.{m}' for m in able)}, or take another encoder: "
                f"{', '.join(e.__name__ for e in others)}"
            )
        return made

    def _block_stages(self) -> list[Sequence[nn.Module]]:
        """List the blocks of each stage."""
        raise NotImplementedError

    def _modules_of(self, stage: int, block: int, depth: int) -> dict[str, Mapping[str, int]]:
        """List what a block carries; ``depth`` is the stage's number of blocks."""
        return self.plan.modules_of(stage=stage, block=block, depth=depth) if self.plan else {}

    @property
    def task_embed_dims(self) -> int | None:
        """Length of the task embedding that the encoder is conditioned on, None for none."""
        return self.plan.embed_dims if self.plan and self.plan.conditions else None

    @property
    def branch_point(self) -> tuple[int, int] | None:
        """Stage and block in it of the first conditioned block, None for none."""
        for i, blocks in enumerate(self._block_stages()):
            for j, block in enumerate(blocks):
                if block.carries:
                    return i, j
        return None

    @property
    def shared_maps(self) -> int:
        """How many leading maps are of images and not of rows: those before the branch point."""
        branch_point = self.branch_point
        if branch_point is None:
            return len(self.out_indices)
        return sum(stage < branch_point[0] for stage in self.out_indices)

    def init_weights(self) -> None:
        """Initialise, or load ``init_cfg``'s checkpoint and check that it fits.

        Raises:
            ValueError: The checkpoint is of another architecture.
            FileNotFoundError: The checkpoint cannot be read.
        """
        # some plain architectures put a list of initialisers there when none is given
        if isinstance(self.init_cfg, dict):
            state = read_pretrained(self.init_cfg)
            self._fit_checkpoint(state)
            source = self.init_cfg["checkpoint"]
            load_pretrained(self, state, source, optional=self.optional_keys)
        else:
            super().init_weights()
        for module in conditional_modules(self):
            module.reset_conditioning()
            if self.plan.norm_from_scratch and isinstance(module, ConditionalLayerNorm):
                nn.init.ones_(module.weight)
                nn.init.zeros_(module.bias)
        for block in (block for blocks in self._block_stages() for block in blocks):
            if block.carries:
                block.fit_linears()

    def _fit_checkpoint(self, state: dict[str, Tensor]) -> None:
        """Change in ``state`` what may have another size in a checkpoint, such as positions."""

    def train(self, mode: bool = True) -> ConditionedEncoder:
        """Set the mode, but keep what is frozen in eval mode."""
        super().train(mode)  # the plain architectures return None
        return self

    def _freeze_stages(self) -> None:
        super()._freeze_stages()
        self._freeze_by_plan()

    def _freeze_by_plan(self) -> None:
        """Freeze all but what adapts the encoder to the tasks, where the plan says so."""
        if self.plan and self.plan.frozen:
            blocks = [block for stage in self._block_stages() for block in stage]
            adapted = [b for b in blocks if any(MODULES[name].frees_block for name in b.carries)]
            freeze_all_but(self, adapted + conditional_modules(self))

    def fold(self, z: Tensor) -> None:
        """Become the plain encoder of one task, without anything conditional inside.

        In place, and for good: the conditional modules are folded into plain weights and buffers.

        Args:
            z: The task's embedding (embed_dims,).
        """
        for blocks in self._block_stages():
            for block in blocks:
                block.fold(z[None])
        quicken(self)
        self.plan = None

    def _check_condition(self, condition: Condition | None, *, to_branch: bool) -> None:
        if condition is None and not to_branch and self.branch_point is not None:
            raise ValueError(
                f"this {type(self).__name__} has a plan, so it needs to know the tasks: call it "
                "with a condition, as MultiTaskModel does, or leave the plan out"
            )


def check_stages(encoder: str, out_indices: Sequence[int], count: int) -> None:
    """Check that the stages whose maps are returned are there.

    Raises:
        ValueError: One is not.
    """
    if not out_indices or not all(0 <= index < count for index in out_indices):
        raise ValueError(
            f"{encoder}: out_indices={tuple(out_indices)}: give stages, 0 to {count - 1}"
        )
