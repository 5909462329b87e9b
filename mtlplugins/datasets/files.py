"""Arrays from files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image


def read_array(path: str) -> np.ndarray:
    """Read an image, palette indices as they are, or a ``.npy`` file.

    Raises:
        ValueError: The file cannot be read; the message names it.
    """
    try:
        if Path(path).suffix == ".npy":
            return np.load(path, allow_pickle=False)
        with Image.open(path) as image:
            return np.array(image)
    except (OSError, ValueError, SyntaxError, EOFError) as error:
        raise ValueError(f"{path}: cannot be read ({error}); is the file complete?") from error
