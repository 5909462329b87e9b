"""JPEGs decoded at reduced scale equal whole ones resized, and stay aligned with targets."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from functools import cache
from math import prod, sqrt
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.dataset import Compose
from mmseg.registry import TRANSFORMS
from PIL import Image
from PIL.JpegImagePlugin import JpegImageFile

from mtlplugins.common.randomness import seeded
from mtlplugins.datasets import DepthMap
from mtlplugins.datasets.reading.files import BrokenFile
from mtlplugins.datasets.transforms import (
    LoadMultiTaskImage,
    LoadTargets,
    MultiTaskRandomFlip,
    MultiTaskRandomResizedCrop,
    MultiTaskResize,
    OpenMultiTaskImage,
)
from mtlplugins.datasets.transforms.decoding import UndecodedImage, size_of
from tests._data import make_image, write

EVEN, ODD = (480, 640), (475, 629)  # whole blocks of 8 pixels, and not even whole pairs
REFUSED = "OpenMultiTaskImage leaves the decoding to MultiTaskRandomResizedCrop or MultiTaskResize"
#: Turns an upright image into what is stored under an orientation of EXIF.
STORED = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


@cache
def waves(size: tuple[int, int]) -> np.ndarray:
    """A smooth uint8 RGB image (H, W, 3) without a symmetry."""
    rows, columns = np.indices(size) + 0.5
    waves = [
        np.sin(rows / 37) + np.cos(columns / 53),
        2 * np.sin((rows + columns) / 61),
        2 * np.cos((rows - 2 * columns) / 90),
    ]
    return np.rint(127 + 60 * np.stack(waves, -1)).astype(np.uint8)


def save(
    path: Path, upright: np.ndarray, *, mode: str = "RGB", orientation: int = 1, sampling: int = 0
) -> str:
    """Write a JPEG; ``sampling`` 2 has one colour for four pixels."""
    image = Image.fromarray(upright)
    if STORED[orientation] is not None:
        image = image.transpose(STORED[orientation])
    exif = Image.Exif()
    exif[0x0112] = orientation
    image.convert(mode).save(path, "JPEG", quality=95, subsampling=sampling, exif=exif)
    return str(path)


def item(folder: Path, size: tuple[int, int], **how: object) -> dict:
    """An image, and depth that tells the number of a pixel."""
    numbers = np.arange(size[0] * size[1]).reshape(size)
    return dict(
        img_path=save(folder / "a.jpg", waves(size), **how),
        target_types=dict(depth=DepthMap(unit=1.0)),
        target_sources=dict(depth=str(write(folder / "depth.npy", 1.0 + numbers))),
    )


def run(load: type, item: dict, *behind: object, seed: int = 0) -> dict:
    results = load()(dict(item))
    with seeded(seed):
        for transform in behind:
            results = transform(results)
    return results


@pytest.fixture
def factors(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """By how much each image that is decoded is reduced."""
    seen, draft = [], JpegImageFile.draft

    def spy(image: JpegImageFile, mode: str | None, size: tuple[int, int]) -> object:
        width = image.width
        done = draft(image, mode, size)
        seen.append(round(width / image.width))
        return done

    monkeypatch.setattr(JpegImageFile, "draft", spy)
    return seen


# scales


@pytest.mark.parametrize(
    ("part", "size", "factor"),
    [
        ((400, 560), (50, 70), 8),
        ((400, 559), (50, 70), 4),  # one side is a pixel too short
        ((399, 560), (50, 70), 4),
        ((240, 320), (60, 80), 4),
        ((100, 630), (50, 70), 2),
        ((99, 139), (50, 70), 1),
        ((50, 70), (50, 70), 1),
        ((20, 30), (50, 70), 1),  # enlarged
        ((480, 640), (60, 80), 8),
        ((480, 640), (1, 1), 8),  # JPEG has no smaller ones
    ],
)
def test_the_smallest_scale_that_is_enough(
    tmp_path: Path, factors: list[int], part: tuple, size: tuple, factor: int
) -> None:
    image = run(OpenMultiTaskImage, item(tmp_path, EVEN))["img"]
    resized = image[3 : 3 + part[0], 5 : 5 + part[1]] if part != EVEN else image
    results = MultiTaskResize(size)(dict(img=resized))
    assert factors == [factor]
    assert results["img"].shape == (*size, 3)
    assert results["img"].dtype == np.uint8


@pytest.mark.parametrize("orientation", STORED)
@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
def test_an_image_of_full_scale_is_bit_for_bit_that_of_the_whole(
    tmp_path: Path, factors: list[int], mode: str, orientation: int
) -> None:
    info = item(tmp_path, (60, 83), mode=mode, orientation=orientation)
    for seed in range(5):
        behind = MultiTaskRandomResizedCrop(40), MultiTaskRandomFlip()
        whole = run(LoadMultiTaskImage, info, *behind, seed=seed)
        late = run(OpenMultiTaskImage, info, *behind, seed=seed)
        np.testing.assert_array_equal(late["img"], whole["img"])
        assert late["img"].dtype == np.uint8
        for key in ("crop_box", "flip", "img_shape", "ori_shape"):
            assert late[key] == whole[key]
    assert set(factors) == {1}


# places


@pytest.mark.parametrize("zoom", [False, True])
@pytest.mark.parametrize("side", [25, 50, 100, 300])
@pytest.mark.parametrize("shape", [EVEN, ODD])
def test_crops_and_targets_are_those_of_the_whole(
    tmp_path: Path, factors: list[int], shape: tuple[int, int], side: int, zoom: bool
) -> None:
    info = item(tmp_path, shape, sampling=2)
    behind = (
        LoadTargets(),
        MultiTaskRandomResizedCrop(side, crop_ratio_range=(0.5, 1.0), zoom_depth=zoom),
        MultiTaskRandomFlip(),
    )
    flips = set()
    for seed in range(6):
        whole = run(LoadMultiTaskImage, info, *behind, seed=seed)
        late = run(OpenMultiTaskImage, info, *behind, seed=seed)
        for key in ("crop_box", "flip", "img_shape", "ori_shape", "seg_fields"):
            assert late[key] == whole[key]
        np.testing.assert_array_equal(late["gt_depth"], whole["gt_depth"])
        flips.add(late["flip"])
        # the colours of the place that the target says a pixel is of
        zoomed = sqrt(prod(shape) / prod(late["crop_box"][2:])) if zoom else 1
        place = np.rint(zoomed * late["gt_depth"].astype(float) - 1).astype(int)
        wanted = waves(shape).reshape(-1, 3)[place, ::-1]
        assert np.abs(late["img"] - wanted.astype(float)).mean() < 1.5
        assert np.abs(late["img"] - whole["img"].astype(float)).mean() < 0.9
    assert len(flips) == 2
    # half of the image at least has sides of 0.7 x 475 x 3/4 or more
    assert set(factors) <= {25: {8}, 50: {4, 8}, 100: {2, 4}, 300: {1}}[side]


@pytest.mark.parametrize("sampling", [0, 2])
@pytest.mark.parametrize("orientation", STORED)
@pytest.mark.parametrize("factor", [2, 4, 8])
@pytest.mark.parametrize("shape", [EVEN, ODD])
def test_a_blob_stays_where_it_is(
    tmp_path: Path,
    factors: list[int],
    shape: tuple[int, int],
    factor: int,
    orientation: int,
    sampling: int,
) -> None:
    """Its centre of mass, in pixels of the result, for parts of any position and size."""
    y, x = 231.7, 318.2  # from the upper left corner
    rows, columns = np.indices(shape) + 0.5
    blob = 255 * np.exp(-((rows - y) ** 2 + (columns - x) ** 2) / (2 * 40**2))
    values = np.repeat(np.rint(blob).astype(np.uint8)[..., None], 3, -1)
    path = save(tmp_path / "a.jpg", values, orientation=orientation, sampling=sampling)
    image = OpenMultiTaskImage()(dict(img_path=path))["img"]
    assert size_of(image) == shape
    for top, left, height, width in ((0, 0, *shape), (5, 3, 461, 617), (14, 42, 440, 560)):
        size = int(height / (factor * 1.1)), int(width / (factor * 1.3))
        part = image[top : top + height, left : left + width]
        mass = MultiTaskResize(size)(dict(img=part))["img"][..., 0].astype(float)
        mass = (mass - 8).clip(0)  # JPEG's noise, far from the centre
        found = [np.average(i + 0.5, weights=mass) for i in np.indices(size)]
        wanted = (y - top) * size[0] / height, (x - left) * size[1] / width
        np.testing.assert_allclose(found, wanted, atol=0.01)
    assert set(factors) == {factor}


@pytest.mark.parametrize("mode", ["L", "CMYK"])
@pytest.mark.parametrize("side", [50, 100])
def test_other_colours_than_rgb(tmp_path: Path, factors: list[int], mode: str, side: int) -> None:
    info = item(tmp_path, ODD, mode=mode)
    whole = run(LoadMultiTaskImage, info, MultiTaskResize(side))["img"]
    late = run(OpenMultiTaskImage, info, MultiTaskResize(side))["img"]
    assert late.shape == (side, side, 3)
    assert np.abs(late - whole.astype(float)).mean() < 1
    assert factors == [{50: 8, 100: 4}[side]]


def test_a_phones_file_of_several_images(tmp_path: Path, factors: list[int]) -> None:
    """The first one is taken, as always."""
    path = tmp_path / "a.jpg"
    second = Image.fromarray(255 - waves(EVEN))
    Image.fromarray(waves(EVEN)).save(path, "MPO", save_all=True, append_images=[second])
    assert Image.open(path).format == "MPO"
    whole = run(LoadMultiTaskImage, dict(img_path=str(path)), MultiTaskResize(100))["img"]
    late = run(OpenMultiTaskImage, dict(img_path=str(path)), MultiTaskResize(100))["img"]
    assert np.abs(late - whole.astype(float)).mean() < 1
    assert factors == [4]


def test_targets_loaded_after_resizing_keep_the_size_of_the_file(tmp_path: Path) -> None:
    results = run(OpenMultiTaskImage, item(tmp_path, ODD), MultiTaskResize((60, 80)), LoadTargets())
    assert results["img"].shape == (60, 80, 3)
    assert results["img_shape"] == (60, 80)
    assert results["ori_shape"] == results["gt_depth"].shape == ODD


# files


@pytest.mark.parametrize(
    "values", [make_image(1)[..., 0], np.dstack([make_image(1), make_image(2)[..., 0]])]
)
@pytest.mark.parametrize("suffix", ["png", "webp", "gif", "tif"])
def test_formats_without_scales_are_decoded_at_once(
    tmp_path: Path, values: np.ndarray, suffix: str
) -> None:
    path = tmp_path / f"a.{suffix}"
    image = Image.fromarray(values)
    (image.quantize() if suffix == "gif" else image).save(path)
    whole, late = (
        load()({"img_path": str(path)}) for load in (LoadMultiTaskImage, OpenMultiTaskImage)
    )
    np.testing.assert_array_equal(late.pop("img"), whole.pop("img"))
    assert late == whole


def test_palettes_are_decoded_at_once(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    Image.fromarray(make_image(1)).quantize(16).save(path)
    assert Image.open(path).mode == "P"
    whole, late = (
        load()({"img_path": str(path)}) for load in (LoadMultiTaskImage, OpenMultiTaskImage)
    )
    np.testing.assert_array_equal(late["img"], whole["img"])


@pytest.mark.parametrize("side", [25, 50, 100, 300])
@pytest.mark.parametrize("kept", [0.0, 0.02, 0.3, 0.7, 0.95])
def test_an_incomplete_photograph_is_an_error(tmp_path: Path, kept: float, side: int) -> None:
    path = Path(item(tmp_path, EVEN)["img_path"])
    whole = path.read_bytes()
    assert run(OpenMultiTaskImage, {"img_path": str(path)}, MultiTaskResize(side))["img"].any()
    path.write_bytes(whole[: int(kept * len(whole))])
    with pytest.raises(BrokenFile, match=r"image .*a\.jpg cannot be read .*split file") as caught:
        run(OpenMultiTaskImage, {"img_path": str(path)}, MultiTaskResize(side))
    assert caught.value.path == str(path)


def test_a_file_that_vanishes_in_between_is_named(tmp_path: Path) -> None:
    results = run(OpenMultiTaskImage, item(tmp_path, EVEN))
    Path(results["img_path"]).unlink()
    with pytest.raises(BrokenFile, match=r"image .*a\.jpg cannot be read \(.*No such file"):
        MultiTaskResize(50)(results)


# other transforms


@pytest.mark.parametrize(
    "other",
    [
        dict(type="MultiTaskRandomFlip", prob=1.0),
        dict(type="MultiTaskColorJitter"),
        dict(type="PackMultiTask"),
        dict(type="RandomCrop", crop_size=(32, 32)),
        dict(type="RandomRotate", prob=1.0, degree=10.0),
        dict(type="PhotoMetricDistortion"),
        dict(type="Resize", scale=(32, 32)),
        dict(type="Pad", size=(700, 700)),
    ],
    ids=lambda other: other["type"],
)
def test_what_wants_pixels_that_are_not_there_is_told_what_to_do(
    tmp_path: Path, other: dict
) -> None:
    np.random.seed(0)
    with pytest.raises(ValueError, match=f"{REFUSED}: put one of them after it"):
        run(OpenMultiTaskImage, item(tmp_path, EVEN), LoadTargets(), TRANSFORMS.build(other))


@pytest.mark.parametrize(
    "use",
    [
        np.asarray,
        np.fliplr,
        lambda image: image[0],
        lambda image: image[::2, :],
        lambda image: image[..., ::-1],
        lambda image: image[:, :, 0],
        lambda image: image.astype(float),
        lambda image: image.transpose(2, 0, 1),
    ],
)
def test_whatever_else_is_done_with_it(tmp_path: Path, use: Callable) -> None:
    image = run(OpenMultiTaskImage, item(tmp_path, EVEN))["img"]
    with pytest.raises(ValueError, match=REFUSED):
        use(image)


def test_parts_and_copies(tmp_path: Path) -> None:
    image = run(OpenMultiTaskImage, item(tmp_path, ODD))["img"]
    assert size_of(image) == ODD
    part = image[10:200, 20:][5:, :100]
    assert np.zeros(ODD)[10:200, 20:][5:, :100].shape == size_of(part) == (185, 100)
    assert part.box == (15, 20, 185, 100)
    for other in (copy.deepcopy(part), pickle.loads(pickle.dumps(part))):
        assert isinstance(other, UndecodedImage)
        np.testing.assert_array_equal(other.resized((20, 20)), part.resized((20, 20)))


def test_mmsegs_inference_takes_arrays_too(tmp_path: Path) -> None:
    from mmseg.apis.utils import _preprare_data  # which mtlplugins makes importable

    pipeline = [
        dict(type="OpenMultiTaskImage"),
        dict(type="MultiTaskResize", scale=(40, 60)),
        dict(type="PackMultiTask"),
    ]
    path = item(tmp_path, (60, 83))["img_path"]
    pixels = LoadMultiTaskImage()({"img_path": path})["img"]
    for given in (path, pixels):
        model = SimpleNamespace(cfg=Config(dict(test_pipeline=copy.deepcopy(pipeline))))
        data, _ = _preprare_data(given, model)
        wanted = Compose([dict(type="LoadMultiTaskImage"), *pipeline[1:]])({"img_path": path})
        assert torch.equal(data["inputs"][0], wanted["inputs"])
