"""Conditional modules: the parts of an encoder that depend on the task embedding."""

from torch import nn

from .adapter import Adapter, ConditionalAdapter
from .attention import ConditionalAttention
from .condition import Condition
from .film import FiLM
from .layer_norm import ConditionalLayerNorm
from .low_rank import LowRank
from .modulation import ConditionalModulation
from .module import ConditionalModule
from .plan import ConditioningPlan, asked_blocks, asked_modules
from .prompts import Memory, Prompts
from .singular import SingularScale
from .table import MODULES
from .task_embedding import TaskEmbedding

__all__ = [
    "MODULES",
    "Adapter",
    "Condition",
    "ConditionalAdapter",
    "ConditionalAttention",
    "ConditionalLayerNorm",
    "ConditionalModulation",
    "ConditionalModule",
    "ConditioningPlan",
    "FiLM",
    "LowRank",
    "Memory",
    "Prompts",
    "SingularScale",
    "TaskEmbedding",
    "asked_blocks",
    "asked_modules",
    "conditional_modules",
]


def conditional_modules(module: nn.Module) -> list[ConditionalModule]:
    """List all conditional modules inside ``module``."""
    return [child for child in module.modules() if isinstance(child, ConditionalModule)]
