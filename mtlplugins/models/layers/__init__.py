"""Building blocks that encoders and decoders share."""

from .swin_block import CondSwinBlock
from .window_attention import shift_mask

__all__ = ["CondSwinBlock", "shift_mask"]
