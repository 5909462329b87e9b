"""Pretrained weights of other libraries: read, recognised by their keys, renamed and reshaped."""

from .convert import Weights, convert
from .load import load_weights
from .of_timm import load_into_timm
from .read import Content, read_weights
from .resize import resize_bias_table

__all__ = [
    "Content",
    "Weights",
    "convert",
    "load_into_timm",
    "load_weights",
    "read_weights",
    "resize_bias_table",
]
