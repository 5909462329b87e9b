"""Making of the index of shards, from the headers of their members."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import numpy as np

from mtlplugins.common.progress import track

from .index import ShardIndex

_REMAKE = "write the shard again, or take its last samples out of it"


def scan_shards(folder: Path) -> ShardIndex:
    """List the members of all tar files in a folder; nothing is unpacked.

    Raises:
        ValueError: There is no tar file, one is damaged or compressed, or a member is empty, a
            link, has a name that leads out, is there twice, or apart from those of its sample.
    """
    files = sorted(folder.glob("*.tar"))
    if not files:
        raise ValueError(f"no tar files in {folder}: set data_root to the folder of the shards")
    seen: dict[str, str] = {}
    kinds: dict[str, int] = {}
    keys, key_ends, shard, member_ends = bytearray(), [], [], []
    kind, offset, size = [], [], []
    for number, path in enumerate(track(files, "shards")):
        last, here = None, set()
        for member in _members(path):
            key, suffix = _split(member.name)
            if key != last:
                if key in seen:
                    raise ValueError(
                        f"{path}: member {member.name!r} stands apart from the other members of "
                        f"sample {key!r}, which are in {seen[key]}, or two samples have this key: "
                        "give each sample a key of its own, its members one after the other"
                    )
                last, here = key, set()
                seen[key] = path.name
                keys += key.encode()
                key_ends.append(len(keys))
                shard.append(number)
                member_ends.append(len(offset))
            if suffix in here:
                raise ValueError(f"{path}: member {member.name!r} is there twice; keep one of them")
            here.add(suffix)
            kind.append(kinds.setdefault(suffix, len(kinds)))
            offset.append(member.offset_data)
            size.append(member.size)
            member_ends[-1] = len(offset)
    if not key_ends:
        raise ValueError(f"the tar files in {folder} have no members")
    return ShardIndex(
        shards=_text({path.name: path.stat().st_size for path in files}),
        kinds=_text(list(kinds)),
        keys=np.frombuffer(bytes(keys), np.uint8),
        key_ends=np.array(key_ends, np.int64),
        shard=np.array(shard, np.int32),
        member_ends=np.array(member_ends, np.int64),
        kind=np.array(kind, np.int16),
        offset=np.array(offset, np.int64),
        size=np.array(size, np.int64),
    )


def _members(path: Path) -> Iterator[tarfile.TarInfo]:
    """Yield the files in a tar file, checked."""
    try:
        with tarfile.open(path, "r:") as tar:
            while (member := tar.next()) is not None:
                tar.__dict__["members"] = []  # it would keep them all
                if member.isdir():
                    continue
                if not member.isreg() or member.issparse():
                    raise ValueError(f"{path}: member {member.name!r} is a link or a device")
                if not member.size:
                    raise ValueError(f"{path}: member {member.name!r} is empty; {_REMAKE}")
                if member.offset_data + member.size > path.stat().st_size:
                    raise ValueError(f"{path} ends within {member.name!r}; {_REMAKE}")
                yield member
    except (tarfile.TarError, OSError) as error:
        raise ValueError(
            f"{path} is no whole tar file without compression ({error}); {_REMAKE}"
        ) from error


def _split(name: str) -> tuple[str, str]:
    """Split a member's name into key and kind, at the first dot behind the last slash."""
    path = PurePosixPath(name)
    key, _, kind = path.name.partition(".")
    if path.is_absolute() or ".." in path.parts or not name.isprintable() or not key or not kind:
        raise ValueError(
            f"member {name!r}: names are KEY.KIND, such as 0001.jpg and 0001.depth.png, below the "
            "shard; write the shards again"
        )
    return (path.parent / key).as_posix(), kind


def _text(value: object) -> np.ndarray:
    return np.frombuffer(json.dumps(value).encode(), np.uint8)
