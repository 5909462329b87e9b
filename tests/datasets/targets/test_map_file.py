"""Map files that are incomplete, of the wrong kind or missing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import mtlplugins  # noqa: F401
from mtlplugins.datasets import DepthMap, LabelMap
from tests._data import write


@pytest.mark.parametrize("kept", [0.0, 0.05, 0.5, 0.95])
@pytest.mark.parametrize("suffix", [".png", ".npy", ".tif"])
def test_an_incomplete_file_is_named(tmp_path: Path, suffix: str, kept: float) -> None:
    values = np.random.default_rng(0).integers(1, 60000, (40, 50)).astype(np.uint16)
    path = write(tmp_path / f"a{suffix}", values)
    whole = path.read_bytes()
    np.testing.assert_allclose(DepthMap().load(str(path)), values / 1000, rtol=1e-6)
    path.write_bytes(whole[: int(kept * len(whole))])
    with pytest.raises(ValueError, match=rf"a\{suffix}: cannot be read .*is it whole"):
        DepthMap().load(str(path))


@pytest.mark.parametrize("suffix", [".png", ".npy"])
def test_what_is_no_array_or_not_there_is_named(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    for _ in range(2):  # first not there, then a text
        with pytest.raises(ValueError, match=rf"a\{suffix}: cannot be read"):
            LabelMap(["sky"]).load(str(path))
        path.write_text("<html>404 Not Found</html>")
