"""Base class of the conditioned encoders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, NamedTuple

from mmengine.model import BaseModule
from torch import Tensor, nn

from mtlplugins.models.conditioning import (
    MODULES,
    Condition,
    ConditionalLayerNorm,
    ConditioningPlan,
    conditional_modules,
)
from mtlplugins.models.layers import ConditionalBlock, use_fast_linears
from mtlplugins.weights import convert, read_weights

from .freezing import freeze_all_but
from .pretrained import load_pretrained

_LACKS = {
    "logits": "no attention to condition",
    "norms": "no norms to condition",
    "linears": "no linear layers to add to",
    "memory": "no attention that reads prompts",
    "beside": "no room for a module beside it",
}


class Trunk(NamedTuple):
    """State of an encoder at its branch point, shared by all tasks of an image.

    Attributes:
        x: Tokens or map of B images, the input of the first conditioned block; None if the encoder
            has no branch point.
        maps: The maps returned so far, of the stages before the branch point.
        layout: What else the encoder needs to continue, such as the size of the token map.
    """

    x: Tensor | None
    maps: tuple[Tensor, ...]
    layout: tuple[Any, ...] = ()


class ConditionedEncoder(BaseModule):
    """Mixin of the conditioned encoders; comes before the plain architecture in the base classes.

    The encoder sets ``plan`` with ``_make_plan`` before it initialises the plain architecture,
    calls ``_attach`` for each of its blocks, returns the blocks in ``_block_stages``, and computes
    its maps in ``_encode``. The plain architecture provides ``out_indices``, ``_freeze_stages`` and
    ``init_weights``.

    Attributes:
        plan: The conditional modules of each block; None for the plain encoder.
    """

    #: Regular expression of the keys that a checkpoint of the plain encoder may lack; none here.
    optional_keys = r"(?!)"

    #: Class of the blocks, which declares their places for conditional modules.
    block_type: ClassVar[type[ConditionalBlock]]
    #: Beginnings of the names of what is before the first block.
    before_blocks: tuple[str, ...]

    plan: ConditioningPlan | None
    out_indices: Sequence[int]

    @classmethod
    def _make_plan(
        cls, plan: Mapping[str, Any] | None, depths: Sequence[int]
    ) -> ConditioningPlan | None:
        """Make the plan, and check that the blocks have places for its modules."""
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

    def forward(
        self, x: Tensor | Trunk, condition: Condition | None = None, *, to_branch: bool = False
    ) -> tuple[Tensor, ...] | Trunk:
        """Encode images.

        Args:
            x: Images (B, 3, H, W), or the result of an earlier call with ``to_branch``.
            condition: The (image, task) rows to compute; needed if and only if a plan is set.
            to_branch: Stop at the branch point, before the expansion to rows; needs a plan.

        Returns:
            With ``to_branch`` a :class:`Trunk`, else a map (B or R, C, H', W') for each of
            ``out_indices``, ascending: the first ``shared_maps`` of B images, the others of R rows.

        Raises:
            ValueError: A conditioned encoder is called without rows, or an encoder for images of
                one size with others.
        """
        if condition is None and not to_branch and self.branch_point is not None:
            raise ValueError(
                f"this {type(self).__name__} has a plan, so it needs to know the tasks: call it "
                "with a condition, as MultiTaskModel does, or leave the plan out"
            )
        return self._encode(x, condition, to_branch=to_branch)

    def _encode(
        self, x: Tensor | Trunk, condition: Condition | None, *, to_branch: bool
    ) -> tuple[Tensor, ...] | Trunk:
        """Compute what :meth:`forward` returns."""
        raise NotImplementedError

    def _block_stages(self) -> Sequence[Sequence[ConditionalBlock]]:
        """Return the blocks of each stage."""
        raise NotImplementedError

    def _layers(self) -> list[list[nn.Module]]:
        """Return the modules of each layer of a block, from the input to the output."""
        return [[block] for stage in self._block_stages() for block in stage]

    def get_layer_depth(self, param_name: str, prefix: str = "") -> tuple[int, int]:
        """Return the layer of a parameter and the number of layers, for layer-wise decay.

        As mmpretrain counts: layer 0 is before the blocks, layer n is the n-th block with all it
        carries, and the last layer is behind them: norms of the output, decoders and heads.

        Args:
            param_name: Name of the parameter.
            prefix: Beginning of the names of the encoder's parameters.
        """
        layers = self._layers()
        last = len(layers) + 1
        name = param_name.removeprefix(prefix)
        if not param_name.startswith(prefix):
            return last, last + 1
        if name.startswith(self.before_blocks):
            return 0, last + 1
        layer_of = {id(module): n for n, modules in enumerate(layers, 1) for module in modules}
        module: nn.Module = self
        for part in name.split(".")[:-1]:
            module = module.get_submodule(part)
            if id(module) in layer_of:
                return layer_of[id(module)], last + 1
        return last, last + 1

    def _attach(
        self, block: ConditionalBlock, *, stage: int, index: int, depth: int, **settings: Any
    ) -> None:
        """Attach the modules that the plan gives to a block.

        Args:
            block: The block.
            stage: Its stage.
            index: Its index in the stage.
            depth: Number of blocks of the stage.
            settings: Further arguments of the block's ``attach``.
        """
        if self.plan and (modules := self.plan.modules_of(stage=stage, block=index, depth=depth)):
            block.attach(modules, embed_dims=self.plan.embed_dims, **settings)

    @property
    def task_embed_dims(self) -> int | None:
        """Length of the task embedding; None if no block is conditioned."""
        return self.plan.embed_dims if self.plan and self.plan.conditions else None

    @property
    def branch_point(self) -> tuple[int, int] | None:
        """Stage and index in the stage of the first conditioned block; None if there is none."""
        for i, blocks in enumerate(self._block_stages()):
            for j, block in enumerate(blocks):
                if block.carries:
                    return i, j
        return None

    @property
    def shared_maps(self) -> int:
        """Number of maps before the branch point, which are of images and not of rows."""
        branch_point = self.branch_point
        if branch_point is None:
            return len(self.out_indices)
        return sum(stage < branch_point[0] for stage in self.out_indices)

    def init_weights(self) -> None:
        """Initialise the weights, or load the checkpoint of ``init_cfg`` and check that it fits.

        Raises:
            ValueError: The checkpoint is of another architecture.
            FileNotFoundError: The checkpoint cannot be read.
        """
        # some plain architectures put a list of initialisers there when none is given
        if isinstance(self.init_cfg, dict):
            self._load_pretrained(self.init_cfg)
        else:
            super().init_weights()
        for module in conditional_modules(self):
            module.reset_conditioning()
            from_scratch = self.plan is not None and self.plan.norm_from_scratch
            if from_scratch and isinstance(module, ConditionalLayerNorm):
                nn.init.ones_(module.weight)
                nn.init.zeros_(module.bias)
        for block in (block for blocks in self._block_stages() for block in blocks):
            if block.carries:
                block.fit_linears()

    def _load_pretrained(self, init_cfg: dict) -> None:
        """Load the checkpoint of ``init_cfg``."""
        state, beside = read_weights(init_cfg)
        weights = convert(state, self.state_dict(), beside=beside)
        self._fit_checkpoint(weights.tensors)
        load_pretrained(self, weights, init_cfg["checkpoint"], optional=self.optional_keys)
        for name, value in weights.table.settings.items() if weights.table else ():
            setattr(self, name, value)

    def _fit_checkpoint(self, state: dict[str, Tensor]) -> None:
        """Resize tensors in ``state`` whose size may differ, such as position embeddings."""

    def train(self, mode: bool = True) -> ConditionedEncoder:
        """Set the mode; frozen modules stay in eval mode."""
        super().train(mode)  # the plain architectures return None
        return self

    def _freeze_stages(self) -> None:
        super()._freeze_stages()  # ty: ignore[missing-attribute]: of the plain architecture
        self._freeze_by_plan()

    def _freeze_by_plan(self) -> None:
        """Freeze all but the modules that adapt the encoder to the tasks, if the plan says so."""
        if self.plan and self.plan.frozen:
            blocks = [block for stage in self._block_stages() for block in stage]
            adapted = [b for b in blocks if any(MODULES[name].frees_block for name in b.carries)]
            freeze_all_but(self, adapted + conditional_modules(self))

    def fold(self, z: Tensor) -> None:
        """Fold the encoder in place into the plain encoder of one task.

        The conditional modules become plain weights and buffers; this cannot be undone.

        Args:
            z: The task's embedding (embed_dims,).
        """
        for blocks in self._block_stages():
            for block in blocks:
                block.fold(z[None])
        use_fast_linears(self)
        self.plan = None

    def _resume(self, trunk: Trunk) -> tuple[tuple[int, int], list[Tensor], Tensor]:
        """Return the branch point, the maps before it, and the input of its block."""
        branch_point = self.branch_point
        assert branch_point is not None
        assert trunk.x is not None
        return branch_point, list(trunk.maps), trunk.x


def check_stages(encoder: str, out_indices: Sequence[int], count: int) -> None:
    """Check that the stages in ``out_indices`` exist.

    Raises:
        ValueError: A stage does not exist, or none is given.
    """
    if not out_indices or not all(0 <= index < count for index in out_indices):
        raise ValueError(
            f"{encoder}: out_indices={tuple(out_indices)}: give stages, 0 to {count - 1}"
        )
