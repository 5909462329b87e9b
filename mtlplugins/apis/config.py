"""Reading a config with the user's changes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mmengine.config import Config


def load_config(path: str, options: dict[str, Any] | None = None) -> Config:
    """Read a config file and apply ``--cfg-options``.

    Two values stand in several places of a config; changing them in one changes the others too:
    ``data_root`` reaches every data set that had the old one, ``train_cfg.max_epochs`` every
    schedule that had its length.

    Args:
        path: A Python config file.
        options: Values by dotted key.

    Raises:
        FileNotFoundError: There is no such file.
    """
    if not Path(path).is_file():
        raise FileNotFoundError(f"no config file {path}")
    cfg = Config.fromfile(path)
    if options:
        old_root = cfg.get("data_root")
        old_epochs = cfg.get("train_cfg", {}).get("max_epochs")
        cfg.merge_from_dict(options)
        if cfg.get("data_root") != old_root:
            _replace(cfg._cfg_dict, "data_root", old_root, cfg.data_root)
        epochs = (cfg.get("train_cfg") or {}).get("max_epochs")
        if epochs != old_epochs:
            _replace(cfg.get("param_scheduler"), "total_steps", old_epochs, epochs)
    return cfg


def _replace(node: Any, key: str, old: Any, new: Any) -> None:
    """Set ``key`` to ``new`` wherever it is ``old`` below ``node``."""
    if isinstance(node, dict):
        if key in node and node[key] == old:
            node[key] = new
        node = node.values()
    elif not isinstance(node, (list, tuple)):
        return
    for child in list(node):
        _replace(child, key, old, new)
