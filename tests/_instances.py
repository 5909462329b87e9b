"""What MMEngine keeps for a whole process, which a run of its own process would not find."""

from __future__ import annotations

from collections.abc import Iterator

from mmengine.logging import MessageHub, MMLogger
from mmengine.visualization import Visualizer


def forget_runs() -> None:
    """Forget the visualizers, loggers and message hubs of earlier runs.

    MMEngine finds them by the name of the experiment, which holds the time in seconds: two runs
    begun in one second share them, and the second writes into the folder of the first.
    """
    for kind in (MessageHub, MMLogger, *_with_subclasses(Visualizer)):
        kind._instance_dict.clear()


def _with_subclasses(kind: type) -> Iterator[type]:
    yield kind
    for subclass in kind.__subclasses__():
        yield from _with_subclasses(subclass)
