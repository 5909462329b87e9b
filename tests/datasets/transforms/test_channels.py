"""Images of other than three channels of 8 bits, from file to training step."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile
import torch
from mmengine.optim import build_optim_wrapper
from mmengine.registry import init_default_scope
from mmseg.registry import MODELS
from PIL import Image

from mtlplugins.datasets import MultiTaskDataset
from mtlplugins.datasets.reading.files import BrokenFile
from mtlplugins.datasets.transforms import (
    LoadImageChannels,
    LoadMultiTaskImage,
    MultiTaskColorJitter,
)
from mtlplugins.visualization import image_of
from mtlplugins.visualization.canvas import false_colours
from tests._data import write

init_default_scope("mmseg")  # as in a run


def channels(count: int, kind: type = np.float32, size: tuple[int, int] = (24, 32)) -> np.ndarray:
    """Another slope for each channel, up to 4000."""
    y, x = np.mgrid[: size[0], : size[1]]
    return np.stack([(c + 1) * 20 * x + y for c in range(count)], -1).astype(kind)


FILES = {
    "float.npy": channels(4),
    "uint16.npy": channels(4, np.uint16),
    "six.npy": channels(6),
    "flat.npy": channels(1)[..., 0],
    "rgba.png": (channels(4) % 256).astype(np.uint8),
    "grey16.png": channels(1, np.uint16)[..., 0],
    "grey16.tif": channels(1, np.uint16)[..., 0],
}


@pytest.mark.parametrize("name", FILES)
def test_values_stay_as_they_are_in_the_order_of_the_file(name: str, tmp_path: Path):
    values = FILES[name]
    count = 1 if values.ndim == 2 else values.shape[2]
    found = LoadImageChannels(count)(dict(img_path=str(write(tmp_path / name, values))))
    assert found["img"].dtype == (np.uint8 if values.dtype == np.uint8 else np.float32)
    np.testing.assert_array_equal(found["img"].reshape(values.shape), values)
    assert found["ori_shape"] == found["img_shape"] == (24, 32)


@pytest.mark.parametrize(
    ("values", "count", "message"),
    [
        (channels(4), 3, r"shape \(24, 32, 4\) .*channels=3"),
        (np.full((4, 4), np.nan, np.float32), 1, "NaN or infinite"),
        (np.ones((4, 4, 1), complex), 1, "complex128"),
    ],
)
def test_other_content_is_named(values, count, message, tmp_path: Path):
    path = str(write(tmp_path / "a.npy", values))
    with pytest.raises(BrokenFile, match=rf"image {path} .*{message}"):
        LoadImageChannels(count)(dict(img_path=path))


@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("layout", ["interleaved", "planes", "pages", "compressed"])
def test_a_tiff_of_six_channels(kind: type, layout: str, tmp_path: Path):
    values, path = channels(6, kind), tmp_path / "a.tif"
    planes = np.ascontiguousarray(values.transpose(2, 0, 1))
    options: dict = dict(photometric="minisblack")
    options |= {
        "interleaved": dict(planarconfig="contig"),
        "planes": dict(planarconfig="separate"),
        "pages": {},
        "compressed": dict(planarconfig="contig", compression="zlib"),
    }[layout]
    together = layout in ("interleaved", "compressed")
    tifffile.imwrite(path, values if together else planes, **options)
    found = LoadImageChannels(6)(dict(img_path=str(path)))["img"]
    np.testing.assert_array_equal(found, values)
    with pytest.raises(BrokenFile, match=r"a\.tif: cannot be read \(it has 6 channels, 5 are"):
        LoadImageChannels(5)(dict(img_path=str(path)))
    with pytest.raises(BrokenFile, match=r"shape \(24, 32, 6\) .*channels=7"):
        LoadImageChannels(7)(dict(img_path=str(path)))
    whole = path.read_bytes()
    for kept in (0, 0.1, 0.6):
        path.write_bytes(whole[: int(kept * len(whole))])
        with pytest.raises(BrokenFile, match=r"a\.tif(:| has shape)"):
            LoadImageChannels(6)(dict(img_path=str(path)))


def test_tifffile_is_named_where_it_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "tifffile", None)
    path = write(tmp_path / "a.tif", FILES["grey16.tif"])
    with pytest.raises(BrokenFile, match=r"reading it needs tifffile: pip install tifffile"):
        LoadImageChannels(6)(dict(img_path=str(path)))


def test_the_log_says_what_images_hold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    heard: list[str] = []
    log = "mtlplugins.datasets.reading.image_modes.print_log"
    monkeypatch.setattr(log, lambda message, **_: heard.append(message))
    write(tmp_path / "image/a.npy", channels(6))
    steps = [dict(type="LoadImageChannels", channels=6), dict(type="PackMultiTask")]
    MultiTaskDataset(str(tmp_path), {}, image=dict(folder="image", suffix=".npy"), pipeline=steps)
    (said,) = heard
    highest = 6 * 20 * 31 + 23
    want = f"a.npy have 6 channels of float32, 0 to {highest}: they are loaded as stored"
    assert said.endswith(want)


def test_a_palette_is_no_channel(tmp_path: Path):
    Image.fromarray(np.eye(4, dtype=np.uint8)).convert("P").save(tmp_path / "a.png")
    with pytest.raises(BrokenFile, match="indices into a palette"):
        LoadImageChannels(1)(dict(img_path=str(tmp_path / "a.png")))


def test_16_bits_name_the_transform_that_loads_them(tmp_path: Path):
    path = write(tmp_path / "a.png", FILES["grey16.png"])
    with pytest.raises(BrokenFile, match=r"LoadImageChannels', channels=1.*in_channels=1"):
        LoadMultiTaskImage()(dict(img_path=str(path)))


def model(count: int, **settings):
    statistics = dict(mean=[100.0 * (c + 1) for c in range(count)], std=[200.0] * count)
    return MODELS.build(
        dict(
            type="MultiTaskModel",
            backbone=dict(
                type="CondResNet",
                depth=18,
                base_channels=4,
                stem_channels=4,
                in_channels=count,
                norm_cfg=dict(type="GN", num_groups=1),
            ),
            decoders=dict(
                depth=dict(type="ConvUNetDecoder", in_channels=(4, 8, 16, 32), channels=(4, 4, 4))
            ),
            heads=dict(depth=dict(type="DepthHead", in_channels=4, min_depth=0.5, max_depth=9.0)),
            data_preprocessor=dict(type="MultiTaskDataPreprocessor", **statistics) | settings,
        )
    )


@pytest.mark.parametrize("count", [1, 4, 6])
def test_a_step_on_images_of_any_channels(count: int, tmp_path: Path):
    for name in "ab":
        write(tmp_path / f"image/{name}.npy", channels(count))
        write(tmp_path / f"depth/{name}.npy", channels(1)[..., 0] / 100 + 1)
    steps = [
        dict(type="LoadImageChannels", channels=count),
        dict(type="LoadTargets"),
        dict(type="MultiTaskRandomRotate", degrees=20, prob=1.0),
        dict(type="MultiTaskRandomResizedCrop", scale=(32, 32)),
        dict(type="MultiTaskRandomFlip"),
        dict(type="PackMultiTask"),
    ]
    dataset = MultiTaskDataset(
        str(tmp_path),
        dict(depth=dict(type="DepthMap", folder="depth", suffix=".npy", unit=1.0)),
        image=dict(folder="image", suffix=".npy"),
        pipeline=steps,
    )
    items = [dataset[i] for i in range(2)]
    batch = {key: [item[key] for item in items] for key in items[0]}
    assert batch["inputs"][0].shape == (count, 32, 32)
    network = model(count)
    network.init_weights()
    inputs = network.data_preprocessor(batch, False)["inputs"]
    for channel in range(count):
        wanted = (batch["inputs"][0][channel] - 100 * (channel + 1)) / 200
        torch.testing.assert_close(inputs[0, channel], wanted)
    wrapper = build_optim_wrapper(network, dict(optimizer=dict(type="SGD", lr=0.01)))
    assert torch.isfinite(network.train_step(batch, wrapper)["loss"])
    drawn = image_of(batch["data_samples"][0], batch["inputs"][0])
    assert drawn.shape == (24, 32, 3)
    assert drawn.dtype == np.uint8


def test_numbers_of_channels_that_differ_are_named():
    with pytest.raises(ValueError, match=r"of 4 channels, but the encoder takes 3: set model"):
        model(3, mean=[1.0] * 4, std=[1.0] * 4)
    with pytest.raises(ValueError, match="bgr_to_rgb=True"):
        model(4, bgr_to_rgb=True)
    with pytest.raises(ValueError, match=r"mean=\(1.0, 1.0\), std=\(1.0,\): give as many"):
        model(3, mean=[1.0] * 2, std=[1.0])
    with pytest.raises(ValueError, match=r"std=\(1.0, 1.0, 0.0\)"):
        model(3, mean=[1.0] * 3, std=[1.0, 1.0, 0.0])
    batch = dict(inputs=[torch.zeros(3, 32, 32)], data_samples=None)
    with pytest.raises(ValueError, match=r"has 3 channels, but .* of 4: .*LoadImageChannels"):
        model(4).data_preprocessor(batch)
    one = model(1, mean=[0.0], std=[1.0], bgr_to_rgb=True)
    with pytest.raises(ValueError, match=r"has 1 channels, but .*converts between BGR and RGB"):
        one.data_preprocessor(dict(inputs=[torch.zeros(1, 32, 32)], data_samples=None))


def test_colours_of_other_channels_are_not_jittered():
    with pytest.raises(ValueError, match=r"MultiTaskColorJitter: a.npy has shape \(24, 32, 4\)"):
        MultiTaskColorJitter()(dict(img=channels(4), img_path="a.npy"))


def test_panels_show_the_first_three_channels_in_their_range():
    values = np.zeros((1, 3, 5), np.float32)
    values[0, :, 0] = [-1.0, 0.0, 1.0]
    values[0, :, 3] = 99
    drawn = false_colours(values)
    assert drawn[0, :, 0].tolist() == [0, 128, 255]
    assert (drawn[..., 1:] == 0).all()
    assert false_colours(values[..., :1])[0].tolist() == [[0] * 3, [128] * 3, [255] * 3]
