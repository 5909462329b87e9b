from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mtlplugins.datasets import DepthMap, ImageLabel, LabelMap
from mtlplugins.datasets.reading.files import BrokenFile
from mtlplugins.datasets.transforms import (
    LoadMultiTaskImage,
    LoadTargets,
    MultiTaskRandomFlip,
    MultiTaskRandomResizedCrop,
    MultiTaskResize,
    OpenMultiTaskImage,
)
from tests._data import make_image, write

TYPES = dict(
    parts=LabelMap(["sky", "sea"]), depth=DepthMap(unit=0.001), scene=ImageLabel(classes=["hall"])
)


@pytest.fixture
def item(tmp_path: Path) -> dict:
    return dict(
        img_path=str(write(tmp_path / "a.png", make_image(3))),
        target_types=TYPES,
        target_sources=dict(
            parts=str(write(tmp_path / "parts.png", np.ones((24, 32), np.uint8))),
            depth=str(write(tmp_path / "depth.png", np.full((24, 32), 2000, np.uint16))),
            scene=0,
        ),
    )


# images


def test_images_are_bgr(item: dict) -> None:
    loaded = LoadMultiTaskImage()(item)
    np.testing.assert_array_equal(loaded["img"], make_image(3)[..., ::-1])
    assert loaded["img"].dtype == np.uint8
    assert loaded["img_shape"] == loaded["ori_shape"] == (24, 32)


def test_grey_and_transparent_images_become_three_channels(tmp_path: Path) -> None:
    grey = make_image(1)[..., 0]
    clear = np.dstack([make_image(1), np.full((24, 32), 255, np.uint8)])
    for values, expected in ((grey, np.dstack([grey] * 3)), (clear, make_image(1)[..., ::-1])):
        path = write(tmp_path / "a.png", values)
        np.testing.assert_array_equal(
            LoadMultiTaskImage()({"img_path": str(path)})["img"], expected
        )


@pytest.mark.parametrize("suffix", [".jpg", ".png"])
@pytest.mark.parametrize("kept", [0.0, 0.3, 0.7, 0.95])
def test_an_incomplete_image_is_an_error(tmp_path: Path, suffix: str, kept: float) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (40, 50, 3), dtype=np.uint8)
    path = write(tmp_path / f"a{suffix}", noise)
    whole = path.read_bytes()
    assert LoadMultiTaskImage()({"img_path": str(path)})["img"].shape == (40, 50, 3)
    path.write_bytes(whole[: int(kept * len(whole))])
    with pytest.raises(ValueError, match=rf"image .*a\{suffix} cannot be read .*split file"):
        LoadMultiTaskImage()({"img_path": str(path)})


def test_what_is_no_image_or_not_there_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    for _ in range(2):  # first not there, then a text
        with pytest.raises(ValueError, match=r"image .*a\.jpg cannot be read"):
            LoadMultiTaskImage()({"img_path": str(path)})
        path.write_text("<html>404 Not Found</html>")


# targets


def test_each_target_is_loaded_by_its_kind(item: dict) -> None:
    loaded = LoadTargets()(LoadMultiTaskImage()(item))
    assert (loaded["gt_parts"] == 1).all()
    assert (loaded["gt_depth"] == 2).all()
    assert loaded["gt_parts"].shape == loaded["gt_depth"].shape == (24, 32)
    assert loaded["gt_scene"] == 0
    assert loaded["seg_fields"] == ["gt_parts", "gt_depth"]


def test_only_the_targets_that_are_there_are_loaded(item: dict) -> None:
    del item["target_sources"]["depth"]
    loaded = LoadTargets()(LoadMultiTaskImage()(item))
    assert "gt_depth" not in loaded
    assert loaded["seg_fields"] == ["gt_parts"]


def test_an_image_alone_goes_through(item: dict) -> None:
    loaded = LoadTargets()(LoadMultiTaskImage()({"img_path": item["img_path"]}))
    assert loaded["seg_fields"] == []
    assert not [key for key in loaded if key.startswith("gt_")]


def test_a_target_of_another_shape_is_an_error(item: dict, tmp_path: Path) -> None:
    depth = write(tmp_path / "depth.png", np.ones((24, 31), np.uint16))
    assert Image.open(depth).size == (31, 24)
    message = r"'depth': .*depth\.png is 31 x 24 pixels, its image .*a\.png is 32 x 24, of another"
    with pytest.raises(ValueError, match=message):
        LoadTargets()(LoadMultiTaskImage()(item))


@pytest.mark.parametrize("load", [LoadMultiTaskImage, OpenMultiTaskImage])
@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp"])
@pytest.mark.parametrize("size", [(24, 32), (24, 24)])
@pytest.mark.parametrize("orientation", range(10))
def test_an_image_that_is_turned_has_no_maps(
    load: type, suffix: str, size: tuple[int, int], orientation: int, item: dict, tmp_path: Path
) -> None:
    """Also a square one, or one turned upside down, whose size says nothing."""
    path = tmp_path / f"turned{suffix}"
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(make_image(1, size=size)).save(path, exif=exif)
    item["img_path"] = str(path)
    for task, kind in (("parts", np.uint8), ("depth", np.uint16)):
        write(Path(item["target_sources"][task]), np.ones(size, kind))
    loaded = load()(dict(item))
    assert loaded["turned"] is (2 <= orientation <= 8)
    if 2 <= orientation <= 8:
        message = (
            r"turned\..* is turned on loading, .* its targets are not: store it without the tag"
        )
        with pytest.raises(BrokenFile, match=message) as caught:
            LoadTargets()(loaded)
        assert caught.value.path == str(path)
    else:
        assert LoadTargets()(loaded)["gt_depth"].shape == size
    # a class is that of the image whatever its way up
    item["target_sources"] = dict(scene=0)
    upright = MultiTaskResize((24, 32))(LoadTargets()(load()(dict(item))))
    assert upright["gt_scene"] == 0
    if size == (24, 32):
        assert upright["ori_shape"] == ((32, 24) if 5 <= orientation <= 8 else (24, 32))


def test_exif_data_after_the_pixels_of_a_png_are_seen(item: dict, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 3
    tag = exif.tobytes().removeprefix(b"Exif\0\0")
    chunk = struct.pack(">I4s", len(tag), b"eXIf") + tag
    chunk += struct.pack(">I", zlib.crc32(b"eXIf" + tag))
    path = Path(item["img_path"])
    whole = path.read_bytes()
    path.write_bytes(whole[:-12] + chunk + whole[-12:])  # before the empty chunk at the end
    assert LoadMultiTaskImage()(item)["turned"]


def test_targets_loaded_after_resizing_keep_the_size_of_the_file(item: dict) -> None:
    loaded = LoadTargets()(MultiTaskResize((12, 20))(LoadMultiTaskImage()(item)))
    assert loaded["img"].shape == (12, 20, 3)
    assert loaded["img_shape"] == (12, 20)
    assert loaded["ori_shape"] == loaded["gt_depth"].shape == loaded["gt_parts"].shape == (24, 32)


def test_loading_after_a_crop_or_flip_is_an_error(item: dict) -> None:
    message = "LoadTargets belongs after LoadMultiTaskImage and before crops and flips"
    for change in (MultiTaskRandomFlip(prob=0.0), MultiTaskRandomResizedCrop(16)):
        with pytest.raises(ValueError, match=message):
            LoadTargets()(change(LoadMultiTaskImage()(dict(item))))
    with pytest.raises(ValueError, match=message):
        LoadTargets()(dict(item))
