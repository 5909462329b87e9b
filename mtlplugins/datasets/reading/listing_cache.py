"""On-disk cache of directory listings."""

from __future__ import annotations

import json
import logging
import time
from os import listdir
from pathlib import Path

from mmengine.logging import print_log

from mtlplugins.io.atomic_file import write_bytes_atomically

# A folder that changed just now may change again with the same time stamp: clocks of file systems
# tick every few milliseconds, some every two seconds.
_SETTLED_SECONDS = 2.0


class ListingCache:
    """Cache of directory listings: a folder is listed again only after it has changed.

    A folder counts as unchanged while its modification time is the cached one: adding, removing
    and renaming files changes it, writing into a file does not.

    Args:
        path: JSON file of the cache; may be missing. A damaged one is ignored and rewritten.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._cached = _read(path)
        self._used: dict[str, tuple[int, str]] = {}

    def names(self, folder: Path, suffix: str) -> list[str]:
        """List the files in ``folder`` that end in ``suffix``, sorted, without the suffix.

        The list is empty if there is no such folder.
        """
        try:
            changed = folder.stat().st_mtime_ns
        except FileNotFoundError:
            return []
        key = f"{folder}/*{suffix}"
        known = self._cached.get(key)
        if known is None or known[0] != changed:
            files = sorted(f for f in listdir(folder) if f.endswith(suffix))
            known = changed, "/".join(f.removesuffix(suffix) for f in files)
        if changed < (time.time() - _SETTLED_SECONDS) * 1e9:
            self._used[key] = known
        return known[1].split("/") if known[1] else []

    def save(self) -> None:
        """Save the cache by an atomic write: no other process sees half a file."""
        if self._used == self._cached:
            return
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            write_bytes_atomically(self.path, json.dumps(self._used).encode())
        except OSError as error:
            print_log(
                f"cannot keep the list of files in {self.path} ({error}): the next start reads the "
                "folders again",
                logger="current",
                level=logging.WARNING,
            )


def _read(path: Path) -> dict[str, tuple[int, str]]:
    try:
        content = json.loads(path.read_text())
        return {str(key): (int(changed), str(names)) for key, (changed, names) in content.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}
