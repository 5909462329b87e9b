"""Reading and checking configs."""

from .load import load_config

__all__ = ["load_config"]
