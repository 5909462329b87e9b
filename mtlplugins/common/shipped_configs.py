"""Configs shipped with the package, named ``mtlplugins::swin_cond_nyuv2.py``."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path

#: Prefix of a shipped config, like ``mmseg::`` of MMEngine.
PREFIX = "mtlplugins::"
_PACKAGE = Path(__file__).resolve().parents[1]


def configs_folder() -> Path:
    """Return the folder of the configs: in the installed package, or beside it in a checkout."""
    shipped = _PACKAGE / ".mim" / "configs"  # the place that MIM uses
    return shipped if shipped.is_dir() else _PACKAGE.parent / "configs"


def shipped_config(name: str) -> Path:
    """Return the path of a shipped config.

    Args:
        name: Path below the folder of the configs, with or without :data:`PREFIX`.

    Raises:
        FileNotFoundError: There is no such config; the message suggests a similar name.
    """
    folder = configs_folder()
    path = folder / name.removeprefix(PREFIX)
    if path.is_file():
        return path
    known = [str(p.relative_to(folder)) for p in sorted(folder.rglob("*.py"))]
    similar = get_close_matches(name.removeprefix(PREFIX), known, n=1)
    hint = f"did you mean {PREFIX}{similar[0]}?" if similar else f"the configs are in {folder}"
    raise FileNotFoundError(f"no config {PREFIX}{name.removeprefix(PREFIX)}; {hint}")
