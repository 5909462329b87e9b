"""Labels of ScanNet's frames."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

from mmseg.registry import DATASETS

from .targets.label_map import LabelMap
from .targets.label_values import LabelValues


@DATASETS.register_module()
class ScanNetLabelMap(LabelMap):
    """Label files of ScanNet (``label-filt``, 16 bits), whose ids a table of the release explains.

    Args:
        classes: Names of the classes.
        nyu40: Number of each class among the 40 of NYU Depth V2; other ids are no ground truth.
        table: The release's ``scannetv2-labels.combined.tsv``, below the data set's root, with the
            columns ``id`` and ``nyu40id``.
        folder: Folder of the files, below the data set's root.
        suffix: End of the file names.

    Raises:
        ValueError: There are not as many numbers as classes.
    """

    alone = False

    def __init__(
        self,
        classes: Sequence[str],
        *,
        nyu40: Sequence[int],
        table: str = "scannetv2-labels.combined.tsv",
        folder: str = "",
        suffix: str = ".png",
    ) -> None:
        super().__init__(classes, folder, suffix, values={0: None})
        if len(nyu40) != len(self.classes):
            raise ValueError(f"ScanNetLabelMap: {len(nyu40)} nyu40 for {len(self.classes)} classes")
        self.table = table
        self._names = dict(zip(nyu40, self.classes, strict=True))

    def find(self, root: Path, names: Sequence[str]) -> dict[str, str]:
        """Read the table, and find the existing files by image name.

        Raises:
            FileNotFoundError: There is no table.
            ValueError: It lacks a column, or a row has no number there.
        """
        path = Path(root) / self.table
        if not path.is_file():
            raise FileNotFoundError(
                f"no {path}, which says what the labels' ids are: it is part of ScanNet's release"
            )
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file, delimiter="\t"))
        try:
            ids = {int(row["id"]): int(row["nyu40id"] or 0) for row in rows}
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(
                f"{path}: no table with numbers in the columns id and nyu40id, separated by tabs "
                f"({type(error).__name__}: {error})"
            ) from error
        values = {0: None} | {value: self._names.get(number) for value, number in ids.items()}
        self.values = LabelValues(values, self.classes, self.ignore_index)
        self.__dict__.pop("_of_bytes", None)  # of other values
        return super().find(root, names)
