"""Table of the conditional modules that a plan can place, by their names in a config."""

from __future__ import annotations

from .adapter import ConditionalAdapter
from .attention import ConditionalAttention
from .layer_norm import ConditionalLayerNorm
from .low_rank import LowRank
from .module import ConditionalModule
from .prompts import Prompts
from .singular import SingularScale

#: Read by the plan, the blocks, the experiment cards and the docs. A new module is a class and a
#: row here; another package sets ``MODULES["name"] = Class`` before it builds a model.
MODULES: dict[str, type[ConditionalModule]] = {
    "attention": ConditionalAttention,
    "norm": ConditionalLayerNorm,
    "adapter": ConditionalAdapter,
    "low_rank": LowRank,
    "singular": SingularScale,
    "prompts": Prompts,
}
