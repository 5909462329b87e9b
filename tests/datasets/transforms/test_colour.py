from __future__ import annotations

import colorsys

import numpy as np
import pytest
import torch
from mmseg.registry import TRANSFORMS
from torchvision.transforms import ColorJitter

from mtlplugins.common.randomness import seeded
from mtlplugins.datasets.transforms import MultiTaskColorJitter
from tests._data import make_image

NOTHING = dict(brightness=0, contrast=0, saturation=0, hue=0)
BGR = np.array([[[40, 40, 200], [90, 180, 30], [220, 60, 60], [128, 128, 128]]], np.uint8)


def jitter(image: np.ndarray, *, seed: int = 0, **settings: float) -> np.ndarray:
    with seeded(seed):
        return TRANSFORMS.build(dict(type="MultiTaskColorJitter", **{**NOTHING, **settings}))(
            dict(img=image.copy())
        )["img"]


def test_no_strength_changes_nothing() -> None:
    np.testing.assert_array_equal(jitter(make_image(5)), make_image(5))


def test_brightness_scales_all_channels() -> None:
    factors = set()
    for seed in range(60):
        before, after = BGR // 2, jitter(BGR // 2, seed=seed, brightness=0.2)
        factor = after.sum() / before.sum()
        np.testing.assert_allclose(after, factor * before, atol=2)
        factors.add(factor)
    assert 0.79 < min(factors) < 0.85
    assert 1.15 < max(factors) < 1.21


def test_hue_turns_both_ways_and_spares_grey() -> None:
    """Red (channel 2 of BGR) shows that the image is not taken for RGB."""
    before = colorsys.rgb_to_hsv(*BGR[0, 0, ::-1] / 255)
    turns = []
    for seed in range(40):
        turned = jitter(BGR, seed=seed, hue=0.1)
        after = colorsys.rgb_to_hsv(*turned[0, 0, ::-1] / 255)
        np.testing.assert_allclose(after[1:], before[1:], atol=0.03)
        np.testing.assert_array_equal(turned[0, 3], 128)
        turns.append((after[0] - before[0] + 0.5) % 1 - 0.5)
    assert -0.11 < min(turns) < -0.07
    assert 0.07 < max(turns) < 0.11


def test_saturation_scales_the_distance_from_grey() -> None:
    for seed in range(5):
        changed = jitter(BGR, seed=seed, saturation=0.2)
        np.testing.assert_array_equal(changed[0, 3], 128)
        ratio = np.ptp(changed[0, :3].astype(int), axis=-1) / np.ptp(
            BGR[0, :3].astype(int), axis=-1
        )
        np.testing.assert_allclose(ratio, ratio[0], atol=0.03)
        assert 0.78 < ratio[0] < 1.22
        assert abs(ratio[0] - 1) > 0.005


@pytest.mark.parametrize("name", list(NOTHING))
def test_each_strength_has_an_effect_that_the_seed_decides(name: str) -> None:
    strength = {name: 0.3}
    first = jitter(make_image(5), **strength)
    assert first.dtype == np.uint8
    assert first.flags.c_contiguous
    np.testing.assert_array_equal(jitter(make_image(5), **strength), first)
    assert not np.array_equal(jitter(make_image(5), seed=1, **strength), first)


def test_the_original_is_left_alone() -> None:
    image = make_image(5)
    torch.manual_seed(0)
    MultiTaskColorJitter()(dict(img=image))
    np.testing.assert_array_equal(image, make_image(5))


@pytest.mark.parametrize(
    "strengths", [*({name: 0.4} for name in NOTHING), dict.fromkeys(NOTHING, 0.4)], ids=str
)
def test_it_does_what_torchvision_does(strengths: dict[str, float]) -> None:
    """Same seed, same draws; torchvision in floating point, so that only our rounding differs."""
    image = make_image(5)
    settings = {**NOTHING, **strengths}
    for seed in range(10):
        with seeded(seed):
            plain = ColorJitter(**settings)
            rgb = torch.from_numpy(image[..., ::-1].copy()).permute(2, 0, 1).double() / 255
            wanted = plain(rgb).permute(1, 2, 0).numpy()[..., ::-1] * 255
        found = jitter(image, seed=seed, **settings)
        error = np.abs(found - wanted)
        assert error.max() < (1.1 if len(strengths) == 1 else 5)  # roundings add up
