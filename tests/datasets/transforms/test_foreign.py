"""Each transform of mmcv, mmseg and mmpretrain handles targets correctly, or is refused by name."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from mmengine.dataset import ConcatDataset
from mmseg.datasets import MultiImageMixDataset
from mmseg.registry import TRANSFORMS

import mtlplugins
from mtlplugins.datasets import DepthMap, ImageLabel, MultiTaskDataset
from mtlplugins.datasets.transforms import (
    LoadTargets,
    MultiTaskRandomFlip,
    MultiTaskRandomRotate,
    MultiTaskResize,
)
from mtlplugins.datasets.transforms.foreign import check_pipeline
from mtlplugins.engine.guards.wrapped_pipelines import check_wrapped_pipelines
from tests._data import make_image, write

from . import _foreign as foreign

DOCS = Path(mtlplugins.__file__).parent.parent / "docs/transforms.md"
NAMES = foreign.registered()
#: Refused although targets come out right: what they make is not for the model, or is made twice;
#: what they do is by chance; or they colour images wrongly with NumPy 2.
REFUSED_ALL_THE_SAME = {
    "mmengine.Normalize",
    "mmengine.ToTensor",
    "mmpretrain.ColorJitter",
    "mmpretrain.RandAugment",
    "mmpretrain.SimMIMMaskGenerator",
    "mmpretrain.torchvision/AugMix",
    "mmpretrain.torchvision/ElasticTransform",
    "mmseg.BioMedicalGaussianBlur",
    "mmseg.BioMedicalGaussianNoise",
    "mmseg.BioMedicalRandomGamma",
    "mmseg.InferencerLoader",
    "mmseg.LoadImageFromNDArray",
    "mmseg.RandomDepthMix",
}


#: Arguments of transforms of ours that move an image.
MOVES = dict(
    MultiTaskRandomFlip={},
    MultiTaskRandomRotate=dict(degrees=10),
    MultiTaskRandomResizedCrop=dict(scale=8),
)


def test_the_table_has_all_packages() -> None:
    assert len(NAMES) > 130
    assert {"mmengine.Pad", "mmseg.RandomRotate", "mmpretrain.torchvision/Resize"} <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_what_is_accepted_is_right_and_the_rest_is_refused(name: str) -> None:
    effect = foreign.measure(name)
    accepted = foreign.refusal(name, foreign.PLACES) is None
    with_directions = foreign.refusal(name, foreign.ALL) is None
    if name in REFUSED_ALL_THE_SAME:
        assert not accepted
        assert not with_directions
        return
    assert accepted == (effect in ("image", "places", "directions"))
    assert with_directions == (effect in ("image", "directions"))


def test_the_docs_have_the_table() -> None:
    docs = DOCS.read_text().splitlines()
    assert [line for line in foreign.table().splitlines() if line not in docs] == []


@pytest.mark.parametrize(
    ("transform", "advice"),
    [
        (dict(type="RandomRotate", prob=1.0, degree=5), "MultiTaskRandomRotate"),
        (dict(type="RandomCutOut", prob=1.0, n_holes=1, cutout_shape=(2, 2), seg_fill_in=9), "=9"),
        (dict(type="mmpretrain.RandomResizedCrop", scale=8), "MultiTaskRandomResizedCrop"),
        (dict(type="mmcv.CenterCrop", crop_size=8), "MultiTaskRandomResizedCrop"),
        (dict(type="mmcv.Pad", size_divisor=8), "data_preprocessor"),
        (dict(type="RandomFlip", prob=0.5), "MultiTaskRandomFlip"),
        (dict(type="RandomCrop", crop_size=(8, 8), cat_max_ratio=0.75), "cat_max_ratio"),
        (dict(type="Normalize", mean=[0] * 3, std=[1] * 3), "would do it again"),
        (dict(type="PackSegInputs"), "PackMultiTask"),
        (dict(type="RandomGrayscale", prob=0.5), "keep_channels=True"),
        (
            dict(type="RandomApply", transforms=[dict(type="RandomRotate", prob=1.0, degree=5)]),
            "mmseg.RandomRotate",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else value["type"],
)
def test_a_data_set_refuses_at_build_time_and_says_what_to_use(
    tmp_path: Path, transform: dict, advice: str
) -> None:
    data = folder(tmp_path)
    with pytest.raises(ValueError, match=r"pipeline: mm\w+\.") as caught:
        dataset(data, transform)
    assert advice in str(caught.value)


def folder(root: Path) -> Path:
    write(root / "image/a.png", make_image(1))
    for task, values in dict(
        labels=np.zeros((24, 32), np.uint8), depth=np.full((24, 32), 1500, np.uint16)
    ).items():
        write(root / f"{task}/a.png", values)
    normals = np.zeros((24, 32, 3), np.float32)
    normals[..., 2] = -1
    write(root / "normals/a.npy", normals)
    return root


def dataset(root: Path, *transforms: dict, tasks=("semantic", "depth", "normals"), pack=True):
    steps = [dict(type="LoadMultiTaskImage"), dict(type="LoadTargets"), *transforms]
    return MultiTaskDataset(
        str(root),
        dict(
            semantic=dict(type="LabelMap", folder="labels", classes=("a", "b")),
            depth=dict(type="DepthMap", folder="depth"),
            normals=dict(type="NormalMap", folder="normals"),
        ),
        tasks=tasks,
        image=dict(folder="image", suffix=".png"),
        pipeline=[*steps, dict(type="PackMultiTask")] if pack else steps,
    )


def test_what_moves_nothing_wrongly_is_let_through(tmp_path: Path) -> None:
    root = folder(tmp_path)
    flip, cut = (
        dict(type="RandomFlip", prob=1.0),
        dict(type="RandomCutOut", prob=1.0, n_holes=1, cutout_shape=(2, 2), seg_fill_in=255),
    )
    dataset(root, flip, tasks=("semantic", "depth"))
    dataset(root, cut, tasks=("semantic",))
    with pytest.raises(ValueError, match="fills the targets of depth with seg_fill_in=255"):
        dataset(root, cut, tasks=("semantic", "depth"))


def test_classes_of_images_need_no_step() -> None:
    crop = TRANSFORMS.build(dict(type="mmpretrain.RandomResizedCrop", scale=8))
    check_pipeline([crop], foreign.IMAGE_LEVEL)
    pack = TRANSFORMS.build(dict(type="PackSegInputs"))
    with pytest.raises(ValueError, match="PackMultiTask"):
        check_pipeline([crop, pack], foreign.IMAGE_LEVEL)


def test_images_may_be_resized_but_not_cropped_before_their_targets_are_loaded() -> None:
    resize = TRANSFORMS.build(dict(type="mmseg.Resize", scale=(8, 8)))
    crop = TRANSFORMS.build(dict(type="mmseg.RandomCrop", crop_size=(8, 8)))
    check_pipeline([resize, LoadTargets()], foreign.ALL)
    check_pipeline([MultiTaskResize(8), LoadTargets(), crop], foreign.ALL)
    with pytest.raises(ValueError, match=r"mmseg.RandomCrop stands before LoadTargets"):
        check_pipeline([crop, LoadTargets()], foreign.ALL)


class Shrink:
    """Somebody's own transform, of the image alone."""

    def __call__(self, results: dict) -> dict:
        results["img"] = results["img"][:8, :8]
        return results


def test_an_own_transform_is_let_through_and_sizes_are_compared(tmp_path: Path) -> None:
    TRANSFORMS.register_module(name="ShrinkForTest", module=Shrink, force=True)
    data = dataset(folder(tmp_path), dict(type="ShrinkForTest"))
    with pytest.raises(
        ValueError, match=r"'semantic'.*32 x 24 pixels, the image 8 x 8.*changed only the image"
    ):
        data[0]


def test_the_pipeline_of_a_wrapper_is_looked_at(tmp_path: Path) -> None:
    inner = dataset(folder(tmp_path), pack=False)
    steps = [dict(type="RandomMosaic", prob=1.0, img_scale=(16, 16))]
    with pytest.raises(ValueError, match=r"mmseg.RandomMosaic is not known to keep"):
        check_wrapped_pipelines(MultiImageMixDataset(ConcatDataset([inner]), steps))


def turned(degrees: float, monkeypatch: pytest.MonkeyPatch, **values: np.ndarray) -> dict:
    share = 1.0 if degrees > 0 else 0.0
    monkeypatch.setattr(np.random, "rand", lambda n: np.array([0.0, share]))
    results = foreign.sample(foreign.places()) | values | dict(target_types=foreign.ALL)
    return MultiTaskRandomRotate(abs(degrees), prob=1.0)(results)


@pytest.mark.parametrize("degrees", [25.0, -25.0])
def test_turned_targets_come_from_where_the_image_comes_from(degrees: float, monkeypatch) -> None:
    results = turned(degrees, monkeypatch)
    assert foreign._in_place(results)
    assert foreign._points_right(results)
    assert (results["gt_parts"] == 255).mean() > 0.05
    # clockwise, what pointed right points down, and y is down
    assert np.sign(results["gt_normals"][20, 30, 1]) == np.sign(degrees)


def test_a_quarter_turn_is_exact(monkeypatch) -> None:
    square = np.arange(40 * 40, dtype=np.float32).reshape(40, 40) + 1
    normals = np.zeros((40, 40, 3), np.float32)
    normals[..., 0], normals[..., 2] = 0.6, -0.8
    results = turned(
        90,
        monkeypatch,
        img=np.zeros((40, 40, 3), np.uint8),
        gt_parts=np.zeros((40, 40), np.int32),
        gt_depth=square,
        gt_normals=normals,
    )
    np.testing.assert_array_equal(results["gt_depth"], np.rot90(square, -1))
    np.testing.assert_allclose(results["gt_normals"][7, 9], [0, 0.6, -0.8], atol=1e-6)


def test_no_turn_and_the_flip_are_the_old_ones() -> None:
    results = foreign.sample(foreign.places()) | dict(target_types=foreign.ALL)
    unturned = MultiTaskRandomRotate(30, prob=0.0)(dict(results))
    assert all(unturned[key] is results[key] for key in results)
    flipped = MultiTaskRandomFlip(prob=1.0)(dict(results))
    assert foreign._in_place(flipped)
    assert foreign._points_right(flipped)


@pytest.mark.parametrize("wrong", [dict(degrees=-1), dict(degrees=181), dict(degrees=9, prob=2)])
def test_angles_are_checked(wrong: dict) -> None:
    with pytest.raises(ValueError, match="MultiTaskRandomRotate: degrees="):
        MultiTaskRandomRotate(**wrong)


@pytest.mark.parametrize(
    "name", ["MultiTaskRandomFlip", "MultiTaskRandomRotate", "MultiTaskRandomResizedCrop"]
)
def test_what_moves_images_stands_after_the_targets(name: str) -> None:
    """A rotated image keeps its size: nothing would tell that its targets were not."""
    move = TRANSFORMS.build(dict(type=name) | MOVES[name])
    targets = dict(depth=DepthMap())
    check_pipeline([LoadTargets(), move], targets)
    check_pipeline([move], targets)  # for images without targets
    check_pipeline([move, LoadTargets()], dict(scene=ImageLabel("scenes.json")))
    with pytest.raises(ValueError, match=f"{name} stands before LoadTargets"):
        check_pipeline([move, LoadTargets()], targets)
