"""Everything of an encoder that depends on the task embedding."""

from torch import nn

from .adapter import Adapter, ConditionalAdapter
from .attention import ConditionalAttention
from .condition import Condition
from .film import FiLM
from .layer_norm import ConditionalLayerNorm
from .modulation import ConditionalModulation
from .plan import ConditioningPlan
from .task_embedding import TaskEmbedding

__all__ = [
    "Adapter",
    "Condition",
    "ConditionalAdapter",
    "ConditionalAttention",
    "ConditionalLayerNorm",
    "ConditionalModulation",
    "ConditioningPlan",
    "FiLM",
    "TaskEmbedding",
    "conditional_modules",
]


def conditional_modules(module: nn.Module) -> list[nn.Module]:
    """Collect the conditional attentions, norms and adapters inside ``module``."""
    kinds = (
        ConditionalAttention,
        ConditionalLayerNorm,
        ConditionalModulation,
        ConditionalAdapter,
    )
    return [child for child in module.modules() if isinstance(child, kinds)]
