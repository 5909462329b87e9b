"""Pretrained weights of other libraries: read, recognised by their keys, renamed."""

from .convert import Weights, convert
from .load import load_weights
from .read import read_weights

__all__ = ["Weights", "convert", "load_weights", "read_weights"]
