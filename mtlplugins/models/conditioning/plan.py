"""Which blocks of which stage carry which conditional module."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

#: The conditional modules that a plan places.
MODULES = ("attention", "layer_norm", "adapter")


@dataclass(frozen=True)
class ConditioningPlan:
    """For each conditional module, how many blocks of each stage carry it.

    ``attention=(0, 0, 6, 2)`` is the *last* 6 blocks of stage 3 and the last 2 of stage 4;
    ``"all"`` is every block, ``None`` no block.

    Attributes:
        attention: Blocks with :class:`ConditionalAttention`.
        layer_norm: Blocks whose two norms are :class:`ConditionalLayerNorm`.
        adapter: Blocks with a :class:`ConditionalAdapter` beside them.
        frozen: Train nothing of the encoder but the conditional modules and the blocks that carry
            conditional attention (the thesis, section 3.2.1).
        norm_from_scratch: Start the gain and bias of conditional norms at 1 and 0 instead of at the
            pretrained norm's, as the thesis did and lost by (its section 4.5.4).
        embed_dims: Length of the task embedding.
    """

    attention: Sequence[int] | str | None = None
    layer_norm: Sequence[int] | str | None = None
    adapter: Sequence[int] | str | None = None
    frozen: bool = False
    norm_from_scratch: bool = False
    embed_dims: int = 384

    @classmethod
    def from_config(cls, plan: dict | None, depths: Sequence[int]) -> ConditioningPlan | None:
        """Make the plan of an encoder from its config.

        Args:
            plan: The attributes by name, or None for an unconditioned encoder.
            depths: Number of blocks of each stage of the encoder.

        Returns:
            The plan with each module's count per stage filled in; None for None.

        Raises:
            ValueError: An unknown key, a value of another type, a count for each stage missing, a
                stage asked to condition more blocks than it has, or ``norm_from_scratch`` without a
                conditional norm.
        """
        if plan is None:
            return None
        known = [field.name for field in fields(cls)]
        if unknown := sorted(set(plan) - set(known)):
            raise ValueError(f"plan: unknown key {unknown[0]!r}; known keys: {', '.join(known)}")
        embed_dims = plan.get("embed_dims", 1)
        if not isinstance(embed_dims, int) or isinstance(embed_dims, bool) or embed_dims < 1:
            raise ValueError(f"plan.embed_dims={embed_dims!r}: must be at least 1, and whole")
        for key in ("frozen", "norm_from_scratch"):
            if not isinstance(plan.get(key, False), bool):
                raise ValueError(f"plan.{key}={plan[key]!r}: give True or False")
        counts = {module: _counts(module, plan.get(module), depths) for module in MODULES}
        made = cls(**{**plan, **counts})
        if made.norm_from_scratch and not any(made.layer_norm):
            raise ValueError(
                "plan.norm_from_scratch=True, but no block has a conditional norm: set "
                "plan.layer_norm, e.g. to 'all', or leave norm_from_scratch out"
            )
        return made

    @property
    def conditions(self) -> bool:
        """Whether any block carries a conditional module."""
        return any(map(sum, (self.attention, self.layer_norm, self.adapter)))

    def carries(self, module: str, *, stage: int, block: int, depth: int) -> bool:
        """Say whether a block carries ``module``; ``depth`` is the stage's number of blocks."""
        return block >= depth - getattr(self, module)[stage]

    def modules_of(self, *, stage: int, block: int, depth: int) -> list[str]:
        """List the modules that a block carries."""
        return [m for m in MODULES if self.carries(m, stage=stage, block=block, depth=depth)]


def _counts(
    module: str, asked: Sequence[int] | str | None, depths: Sequence[int]
) -> tuple[int, ...]:
    if asked is None:
        return (0,) * len(depths)
    if asked == "all":
        return tuple(depths)
    where = f"plan.{module}={asked!r}"
    numbers = isinstance(asked, Sequence) and all(isinstance(count, int) for count in asked)
    if not numbers:
        raise ValueError(f"{where}: give 'all', None or one number of blocks per stage")
    if len(asked) != len(depths):
        raise ValueError(
            f"{where} has {len(asked)} numbers, but the encoder has {len(depths)} stages "
            f"of {tuple(depths)} blocks: give one number per stage"
        )
    for stage, (count, depth) in enumerate(zip(asked, depths, strict=True), 1):
        if not 0 <= count <= depth:
            raise ValueError(
                f"{where}: stage {stage} has {depth} blocks and cannot condition {count} of them"
            )
    return tuple(asked)
