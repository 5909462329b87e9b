"""Write a config's training data as shards: tar files that are read in place.

    mtlplugins to-shards configs/swin_cond_nyuv2.py data/nyuv2_shards

Images and targets are copied byte by byte, in WebDataset's layout, with an index. OUT/train.py is
the config with its training data in OUT. For shards that were copied elsewhere, also to a server,
set train_dataloader.dataset.data_root to their folder or URL (https://, s3://; extra `shards`).
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from pprint import pformat

from mmengine.registry import init_default_scope
from mmseg.registry import DATASETS

from mtlplugins.common.arguments import add_cfg_options
from mtlplugins.config import load_config
from mtlplugins.datasets.shards import write_shards


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("config", help="config file")
    parser.add_argument("out", type=Path, help="folder to write to, new or empty")
    add_cfg_options(parser)
    parser.add_argument("--shard-mb", type=int, default=1000, help="size of a shard in MB, 1000")
    args = parser.parse_args()
    if args.shard_mb < 1:
        parser.error(f"--shard-mb {args.shard_mb}: give 1 or more")
    return args


def main() -> None:
    """Write the shards, and the config that reads them."""
    args = parse_args()
    cfg = load_config(args.config, args.cfg_options)
    init_default_scope("mmseg")
    config = cfg.train_dataloader.dataset
    if "dataset" in config or "datasets" in config:
        sys.exit(
            f"{args.config}: its training data are wrapped in a {config.type}: give a config of "
            "each data set in it, and put them together with their shards"
        )
    dataset = DATASETS.build({**config, "resident": False})
    targets = write_shards(dataset, args.out, shard_bytes=args.shard_mb * 10**6)
    written = args.out / "train.py"
    cfg.train_dataloader.dataset = dict(
        type="ShardDataset",
        data_root=str(args.out.absolute()),
        targets=targets,
        pipeline=config.pipeline,
        broken_files=config.get("broken_files", "stop"),
    )
    cfg.dump(str(written))
    print(f"{len(dataset)} images written to {args.out}; train with {written}. Its data set:")
    print(pformat(dict(cfg.train_dataloader.dataset), sort_dicts=False))


if __name__ == "__main__":
    main()
