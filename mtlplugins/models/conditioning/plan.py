"""Conditioning plan: the conditional modules of each block of an encoder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .table import MODULES

_OLD_NAMES = {"layer_norm": "norm"}  # a ResNet's is no LayerNorm
_FLAGS = ("frozen", "norm_from_scratch")


@dataclass(frozen=True)
class ConditioningPlan:
    """Number of blocks of each stage that carry each conditional module.

    In a config, a dict with names in :data:`MODULES` and the attributes below except ``blocks`` and
    ``settings``. ``attention=(0, 0, 6, 2)`` conditions the *last* 6 blocks of stage 3 and the last
    2 of stage 4; ``"all"`` is every block, ``None`` no block. A module with settings also takes a
    dict: ``low_rank=dict(blocks="all", rank=4)``.

    Attributes:
        blocks: Number of blocks of each stage, by module.
        settings: Settings that differ from the module's defaults, by module.
        frozen: Freeze the encoder except for the conditional modules and the blocks that carry
            conditional attention (the thesis, section 3.2.1).
        norm_from_scratch: Start the gain and bias of conditional norms at 1 and 0 instead of the
            pretrained norm's values, as the thesis did and lost accuracy (its section 4.5.4).
        embed_dims: Length of the task embedding.
    """

    blocks: Mapping[str, tuple[int, ...]]
    settings: Mapping[str, Mapping[str, int]]
    frozen: bool = False
    norm_from_scratch: bool = False
    embed_dims: int = 384

    @classmethod
    def from_config(
        cls, plan: Mapping[str, Any] | None, depths: Sequence[int]
    ) -> ConditioningPlan | None:
        """Make the plan of an encoder from its config.

        Args:
            plan: Modules and attributes by name; None for an unconditioned encoder.
            depths: Number of blocks of each stage of the encoder.

        Returns:
            The plan with the count of each module and stage; None if ``plan`` is None.

        Raises:
            ValueError: A key is unknown, a value has a wrong type, there is not one count per
                stage, a count exceeds the stage's blocks, or ``norm_from_scratch`` is set without a
                conditional norm.
        """
        if plan is None:
            return None
        known = [*MODULES, *_FLAGS, "embed_dims"]
        if unknown := sorted(set(plan) - {*known, *_OLD_NAMES}):
            raise ValueError(f"plan: unknown key {unknown[0]!r}; known keys: {', '.join(known)}")
        embed_dims = plan.get("embed_dims", cls.embed_dims)
        if not _is_positive(embed_dims):
            raise ValueError(f"plan.embed_dims={embed_dims!r}: must be at least 1, and whole")
        flags = {key: plan.get(key, False) for key in _FLAGS}
        for key, value in flags.items():
            if not isinstance(value, bool):
                raise ValueError(f"plan.{key}={value!r}: give True or False")
        asked = asked_modules(plan)
        blocks = {m: _counts(m, asked_blocks(asked.get(m)), depths) for m in MODULES}
        if flags["norm_from_scratch"] and not any(blocks["norm"]):
            raise ValueError(
                "plan.norm_from_scratch=True, but no block has a conditional norm: set plan.norm, "
                "e.g. to 'all', or leave norm_from_scratch out"
            )
        settings = {module: _settings(module, asked.get(module)) for module in MODULES}
        return cls(blocks, settings, embed_dims=embed_dims, **flags)

    @property
    def conditions(self) -> bool:
        """Return whether any block carries a conditional module."""
        return any(map(sum, self.blocks.values()))

    def carries(self, module: str, *, stage: int, block: int, depth: int) -> bool:
        """Return whether a block carries ``module``; ``depth`` is the stage's number of blocks."""
        return block >= depth - self.blocks[module][stage]

    def modules_of(self, *, stage: int, block: int, depth: int) -> dict[str, Mapping[str, int]]:
        """Return the modules that a block carries, with their settings."""
        carried = [m for m in MODULES if self.carries(m, stage=stage, block=block, depth=depth)]
        return {module: self.settings[module] for module in carried}


def asked_modules(plan: Mapping[str, Any]) -> dict[str, Any]:
    """Return the value of each module in a plan's config, with old names replaced.

    Raises:
        ValueError: A module is given under both its old and its new name.
    """
    asked = {module: plan[module] for module in MODULES if module in plan}
    for old, new in _OLD_NAMES.items():
        if old in plan and new in plan:
            raise ValueError(
                f"plan.{old} is the old name of plan.{new}, and both are given: take {old} out "
                "(a config that inherits it: the base's, or set _delete_=True in the plan)"
            )
        if old in plan:
            asked[new] = plan[old]
    return asked


def asked_blocks(asked: Any) -> Any:
    """Return the blocks in a module's value in a plan's config: numbers, ``'all'`` or None."""
    return asked["blocks"] if isinstance(asked, Mapping) and "blocks" in asked else asked


def _settings(module: str, asked: Any) -> dict[str, int]:
    if not isinstance(asked, Mapping):
        return {}
    given = {key: value for key, value in asked.items() if key != "blocks"}
    known = MODULES[module].settings
    for key, value in given.items():
        if key not in known:
            keys = ", ".join(["blocks", *known])
            raise ValueError(f"plan.{module}: unknown setting {key!r}; known settings: {keys}")
        if not _is_positive(value):
            raise ValueError(f"plan.{module}.{key}={value!r}: must be at least 1, and whole")
    return given


def _is_positive(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def _counts(module: str, asked: Any, depths: Sequence[int]) -> tuple[int, ...]:
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
