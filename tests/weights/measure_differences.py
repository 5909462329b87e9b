"""Print how far Swin of other libraries is from ours with their weights (docs/weights.md).

PYTHONPATH=. python tests/weights/measure_differences.py
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from tests.weights._parity import image, loaded, randomise
from tests.weights.test_swin import CONFIG, LIBRARIES, mm_maps, save, timm_swin


def main() -> None:
    """For each library and size: the largest difference of each stage, with and without shift."""
    for library, (make, maps, beside, _) in LIBRARIES.items():
        for size in ((224, 224), (448, 448), (256, 320), (160, 160)):
            sized = {"img_size": size} if library == "timm's Swin" else {}
            network = randomise(timm_swin(**sized) if sized else make())
            with tempfile.TemporaryDirectory() as folder:
                save(network, beside, Path(folder) / "swin.pth")
                encoder = loaded(CONFIG, Path(folder) / "swin.pth")
            try:
                wanted = maps(network, image(size))
            except AssertionError as error:
                print(f"{library} {size}: {error}")
                continue
            for shifts in (True, False):
                encoder.shift_single_window = shifts
                found = mm_maps(encoder, image(size))
                off = [
                    f"{(a - b).abs().max() / b.abs().max():.1e}"
                    for a, b in zip(found, wanted, strict=True)
                ]
                print(f"{library} {size}, shift_single_window={shifts}: {' '.join(off)}")


if __name__ == "__main__":
    main()
