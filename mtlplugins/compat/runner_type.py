"""The runner that a config names, for tools that do not look."""

from __future__ import annotations

import functools

from mmengine.config import Config
from mmengine.runner import Runner
from mmseg.registry import RUNNERS


def build_named_runners() -> None:
    """Let ``Runner.from_cfg`` build the config's ``runner_type``.

    Breaks: mmsegmentation's ``tools/test.py`` builds MMEngine's Runner whatever the config names,
    and ends with 'must contain the key "type", but got {"interval": 1}', because hooks that
    :class:`MultiTaskRunner` has by default need no type in a config.
    Since: every mmsegmentation up to 1.2.2; its ``tools/train.py`` looks at ``runner_type``.
    Ends: when both do.
    """
    original = Runner.from_cfg.__func__
    if getattr(original, "_by_type", False):
        return

    @functools.wraps(original)
    def from_cfg(cls: type[Runner], cfg: Config) -> Runner:
        if cls is Runner and cfg.get("runner_type", "Runner") != "Runner":
            return RUNNERS.build(cfg)
        return original(cls, cfg)

    from_cfg._by_type = True
    Runner.from_cfg = classmethod(from_cfg)
