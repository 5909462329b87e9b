"""The configs that come with the package: ``mtlplugins::swin_cond_nyuv2.py``."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path

#: How the name of such a config starts, as MMEngine has it for the packages of OpenMMLab.
PREFIX = "mtlplugins::"
_PACKAGE = Path(__file__).resolve().parents[1]


def configs_folder() -> Path:
    """Give the folder of the configs: in an installed package, or beside a checkout's."""
    shipped = _PACKAGE / ".mim" / "configs"  # where MIM looks for them too
    return shipped if shipped.is_dir() else _PACKAGE.parent / "configs"


def shipped_config(name: str) -> Path:
    """Find a config of the package.

    Args:
        name: Its path below the folder of the configs, with or without :data:`PREFIX`.

    Raises:
        FileNotFoundError: There is none of this name.
    """
    folder = configs_folder()
    path = folder / name.removeprefix(PREFIX)
    if path.is_file():
        return path
    known = [str(p.relative_to(folder)) for p in sorted(folder.rglob("*.py"))]
    similar = get_close_matches(name.removeprefix(PREFIX), known, n=1)
    hint = f"did you mean {PREFIX}{similar[0]}?" if similar else f"the configs are in {folder}"
    raise FileNotFoundError(f"no config {PREFIX}{name.removeprefix(PREFIX)}; {hint}")
