"""Index of a folder of shards: where each member of each sample is.

Saved as ``index.npz`` beside the shards, as arrays, so that millions of samples start in seconds
and are shared by forked workers. Members of one sample stand one after the other and have one key,
their name up to the first dot behind the last slash; the rest is what kind of member it is
(WebDataset's layout).
"""

from __future__ import annotations

import json
import zipfile
from dataclasses import dataclass, fields
from io import BytesIO
from pathlib import Path

import numpy as np

from mtlplugins.datasets.reading.members import HEADER, file_system, is_url, member_path
from mtlplugins.io.atomic_file import write_bytes_atomically

FILE = "index.npz"


@dataclass(frozen=True)
class ShardIndex:
    """Arrays of n samples with m members in all.

    Args:
        shards: Names and sizes in bytes of the shards, as JSON in uint8.
        kinds: Kinds of members, such as ``jpg`` and ``depth.png``, as JSON in uint8.
        keys: The keys one after the other, UTF-8 in uint8.
        key_ends: Where each key ends, int64 (n,).
        shard: Shard of each sample, int32 (n,).
        member_ends: Index behind the last member of each sample, int64 (n,).
        kind: Kind of each member, int16 (m,).
        offset: First byte of each member in its shard, int64 (m,).
        size: Bytes of each member, int64 (m,).
    """

    shards: np.ndarray
    kinds: np.ndarray
    keys: np.ndarray
    key_ends: np.ndarray
    shard: np.ndarray
    member_ends: np.ndarray
    kind: np.ndarray
    offset: np.ndarray
    size: np.ndarray

    def __len__(self) -> int:
        return len(self.key_ends)

    @property
    def files(self) -> dict[str, int]:
        """Size in bytes of each shard, by name."""
        return json.loads(self.shards.tobytes())

    @property
    def names(self) -> list[str]:
        """The kinds of members."""
        return json.loads(self.kinds.tobytes())

    def key(self, sample: int) -> str:
        """Return the key of a sample."""
        start = self.key_ends[sample - 1] if sample else 0
        return self.keys[start : self.key_ends[sample]].tobytes().decode()

    def members(self, sample: int, root: str, files: list[str], names: list[str]) -> dict[str, str]:
        """Return the path of each member of a sample, by kind.

        Args:
            sample: Its number.
            root: Folder of the shards.
            files: Names of the shards.
            names: The kinds.
        """
        start = self.member_ends[sample - 1] if sample else 0
        key, tar = self.key(sample), f"{root}/{files[self.shard[sample]]}"
        return {
            (kind := names[self.kind[m]]): member_path(
                tar, int(self.offset[m]), int(self.size[m]), f"{key}.{kind}"
            )
            for m in range(start, self.member_ends[sample])
        }

    def save(self, folder: Path) -> None:
        """Write it beside its shards, as a whole or not at all."""
        content = BytesIO()
        np.savez(content, **{f.name: getattr(self, f.name) for f in fields(self)})
        write_bytes_atomically(folder / FILE, content.getvalue())

    @classmethod
    def load(cls, root: str) -> ShardIndex:
        """Read and check an index.

        Args:
            root: Folder or URL.

        Raises:
            FileNotFoundError: There is none.
            ValueError: It is damaged, or leads out of its shards; the message names it.
        """
        where = f"{root}/{FILE}"
        source: Path | BytesIO = Path(where)
        if is_url(root):
            system, place = file_system(where)
            source = BytesIO(system.cat_file(place))
        try:
            with zipfile.ZipFile(source) as archive:  # a small file could hold a huge array
                if any(part.compress_type != zipfile.ZIP_STORED for part in archive.infolist()):
                    raise ValueError("its arrays are compressed")
            with np.load(source, allow_pickle=False) as arrays:
                index = cls(**{f.name: arrays[f.name] for f in fields(cls)})
            index.check()
        except FileNotFoundError:
            raise
        except Exception as error:  # zipfile and NumPy raise anything
            raise ValueError(
                f"{where} is no index of shards ({error or type(error).__name__}): remove it where "
                "the shards are; it is made anew at the next start there"
            ) from error
        return index

    def check(self) -> None:
        """Refuse places outside of the shards, and names that lead out of the folder.

        Raises:
            ValueError: The first thing that is wrong.
        """
        files, names = self.files, self.names
        n, m = len(self), len(self.offset)
        for name in files:
            if Path(name).name != name or not name.endswith(".tar"):
                raise ValueError(f"shard {name!r} is not a tar file of this folder")
        lengths = [len(a) for a in (self.shard, self.member_ends, self.kind, self.size)]
        if lengths != [n, n, m, m] or not n:
            raise ValueError(f"it has {n} keys, and {lengths} of the rest")
        for ends, last in ((self.key_ends, len(self.keys)), (self.member_ends, m)):
            if ends[-1] != last or ends[0] < 1 or (np.diff(ends) < 1).any():
                raise ValueError("its samples are not in order")
        sizes = np.array(list(files.values()), np.int64)
        if self.shard.min() < 0 or self.shard.max() >= len(sizes):
            raise ValueError("a sample is in a shard that it does not list")
        if self.kind.min() < 0 or self.kind.max() >= len(names):
            raise ValueError("a member is of a kind that it does not list")
        behind = np.repeat(sizes[self.shard], np.diff(self.member_ends, prepend=0))
        if self.offset.min() < HEADER or self.size.min() < 1:
            raise ValueError("a member is empty, or before the first")
        if (self.offset > behind).any() or (self.size > behind - self.offset).any():
            raise ValueError("a member ends behind its shard")
