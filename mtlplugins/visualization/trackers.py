"""Trackers (Weights & Biases, MLflow, ClearML, …) that cannot change or end a run."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable
from typing import Any

from mmengine.logging import print_log
from mmengine.visualization import BaseVisBackend, LocalVisBackend

from mtlplugins.common.randomness import undisturbed

_DURING_A_RUN = ("add_graph", "add_image", "add_scalar", "add_scalars", "close")


def guard(backend: BaseVisBackend) -> None:
    """Guard the calls of a tracker's backend, in place.

    - Python's, NumPy's and torch's generators are after each call where they were before it: a
      client that seeds them, or draws a name for its run, changes no number.
    - What a client raises when it is given the config, before the first iteration, is raised with
      the backend's name. What it raises later, also at the end of the run, is logged, once for each
      method: the training goes on without that tracker's part.

    MMEngine's ``LocalVisBackend`` writes the run's own record and stays as it is.
    """
    if isinstance(backend, LocalVisBackend):
        return
    name = type(backend).__name__
    methods: Any = backend  # its methods are replaced on the instance
    methods.add_config = _at_the_start(backend.add_config, name)
    for method in _DURING_A_RUN:
        setattr(methods, method, _during_a_run(getattr(backend, method), f"{name}.{method}"))


def _at_the_start(call: Callable[..., None], name: str) -> Callable[..., None]:
    @functools.wraps(call)
    def start(*args: Any, **kwargs: Any) -> None:
        try:
            with undisturbed():
                call(*args, **kwargs)
        except Exception as error:
            raise RuntimeError(
                f"visualizer.vis_backends: {name} does not start ({type(error).__name__}: {error})"
                "; install or configure its client, or leave it out"
            ) from error

    return start


def _during_a_run(call: Callable[..., None], name: str) -> Callable[..., None]:
    failed = False

    @functools.wraps(call)
    def attempt(*args: Any, **kwargs: Any) -> None:
        nonlocal failed
        try:
            with undisturbed():
                call(*args, **kwargs)
        except Exception as error:  # of a client, whose errors are of any type
            if not failed:
                print_log(
                    f"{name} failed, and the run goes on without it: "
                    f"{type(error).__name__}: {error}. Further failures of it are not reported.",
                    logger="current",
                    level=logging.ERROR,  # of warnings MMEngine shows one per module
                )
            failed = True

    return attempt
