"""Cards hold the colours, and the values for the pointer to 1/65535 of the range."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from mtlplugins.apis.prediction import TaskPrediction
from mtlplugins.web.serve.cards import draw_cards, pack_values
from mtlplugins.web.serve.served import ServedModel


def unpack(pixels: np.ndarray, meta: dict) -> np.ndarray:
    """As the page does: (channels, height, width)."""
    whole = 256 * pixels[..., 0].astype(float) + pixels[..., 1]
    return (meta["low"] + meta["step"] * whole).reshape(meta["channels"], -1, pixels.shape[1])


@pytest.mark.parametrize("shape", [(7, 9), (7, 9, 3)])
def test_values_come_back(shape: tuple[int, ...]) -> None:
    data = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    pixels, meta = pack_values(TaskPrediction("t", "depth", data, unit="m"), (7, 9))
    found = unpack(pixels, meta)
    np.testing.assert_allclose(found, data.reshape(7, 9, -1).transpose(2, 0, 1), atol=1e-4)
    assert (meta["unit"], meta["names"]) == ("m", [])


def test_classes_come_back_exactly_and_shrink_by_nearest() -> None:
    data = np.arange(300).reshape(1, 300).repeat(4, 0)
    found = TaskPrediction("t", "segmentation", data, classes=tuple(map(str, range(300))))
    pixels, meta = pack_values(found, (2, 100))
    assert (unpack(pixels, meta)[0] == np.arange(1, 300, 3)).all()  # the middle of three
    assert meta["names"][299] == "299"


def test_a_flat_map_keeps_its_value() -> None:
    pixels, meta = pack_values(TaskPrediction("t", "depth", np.full((2, 2), 3.5)), (2, 2))
    assert unpack(pixels, meta)[0, 0, 0] == pytest.approx(3.5)


def test_names_from_a_checkpoint_cannot_become_html(model: ServedModel, pixels: np.ndarray) -> None:
    answer = model.predict(Image.fromarray(pixels), ["depth"])
    bad = "<img src=x onerror=alert(1)>"
    answer.prediction.described["depth"]["unit"] = bad
    try:
        html = draw_cards([answer])
    finally:
        answer.prediction.described["depth"]["unit"] = "m"
    assert bad not in html
    assert "&lt;img src=x onerror=alert(1)&gt;" in html
