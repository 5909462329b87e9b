"""Data larger than a disk: samples in tar files, in WebDataset's layout."""

from .dataset import ShardDataset
from .write import write_shards

__all__ = ["ShardDataset", "write_shards"]
