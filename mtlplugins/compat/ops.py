"""Stubs for mmcv's compiled operators, where mmcv has none (mmcv-lite)."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any, NoReturn

_EXTENSION = "mmcv._ext"


class _MissingOps(ModuleType):
    """Module with a function of any name; calling one raises an error that says what to install."""

    def __getattr__(self, name: str) -> Callable[..., NoReturn]:
        if name.startswith("__"):
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")

        def missing(*args: Any, **kwargs: Any) -> NoReturn:
            """Raise the error that says what to install."""
            raise RuntimeError(
                f"The operator {name!r} needs mmcv's compiled extension, which this installation "
                "lacks (mmcv-lite, or an mmcv without its operators). Install the full package: "
                "`pip uninstall mmcv-lite`, then `pip install mmcv==2.1.0`."
            )

        missing.__name__ = name
        return missing


def stub_missing_ops() -> None:
    """Let mmseg import where mmcv has no compiled operators.

    Breaks: ``import mmseg.models`` (and ``mmcv.ops``) with mmcv-lite, because every operator of
    mmcv looks up its functions in ``mmcv._ext`` on import, used or not.
    Since: mmcv 2.0; wheels of the full mmcv stop at torch 2.1, so mmcv-lite is the usual choice.
    Ends: when mmseg imports its models without ``mmcv.ops``. Where the extension is installed
    nothing is replaced.

    Raises:
        ImportError: mmcv is not installed at all.
    """
    try:
        import mmcv  # noqa: F401
    except ModuleNotFoundError as error:
        if error.name != "mmcv":
            raise
        raise ImportError(
            "mtlplugins needs mmcv: `pip install mmcv-lite==2.1.0`, or mmcv 2.1.0 for the "
            "compiled operators.",
            name="mmcv",
        ) from error
    if importlib.util.find_spec(_EXTENSION) is not None:
        return
    stub = _MissingOps(_EXTENSION, doc="Stands in for mmcv's compiled operators.")
    # MMEngine looks for the module's spec before it converts batch norms; None makes it crash.
    stub.__spec__ = ModuleSpec(_EXTENSION, loader=None)
    sys.modules[_EXTENSION] = stub
