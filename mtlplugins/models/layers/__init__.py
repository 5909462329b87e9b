"""Layers and blocks that encoders and decoders share."""

from .attention import attention
from .channels_last import allows_channels_last, for_convolutions
from .conditional_block import ConditionalBlock
from .depthwise import DepthwiseConv, use_fast_depthwise
from .dropout import Dropout, dropout
from .linear import Linear, linear, use_fast_linears
from .res_block import CondBasicBlock, CondBottleneck
from .swin_block import CondSwinBlock
from .timm_block import TimmBlock, timm_block
from .token_attention import resize_row_blocks
from .vit_block import CondViTBlock
from .windows import Windows

__all__ = [
    "CondBasicBlock",
    "CondBottleneck",
    "CondSwinBlock",
    "CondViTBlock",
    "ConditionalBlock",
    "DepthwiseConv",
    "Dropout",
    "Linear",
    "TimmBlock",
    "Windows",
    "allows_channels_last",
    "attention",
    "dropout",
    "for_convolutions",
    "linear",
    "resize_row_blocks",
    "timm_block",
    "use_fast_depthwise",
    "use_fast_linears",
]
