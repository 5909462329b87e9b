"""Effect of each transform of other packages on targets, found by running it."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import mmcv.transforms  # noqa: F401, registers
import mmpretrain.datasets  # noqa: F401
import mmseg.datasets  # noqa: F401
import numpy as np
import torch
from mmcv.transforms import TRANSFORMS as MMCV
from mmengine.registry import DefaultScope
from mmpretrain.registry import TRANSFORMS as MMPRETRAIN
from mmseg.registry import TRANSFORMS as MMSEG

from mtlplugins.datasets.targets import DepthMap, ImageLabel, LabelMap, NormalMap
from mtlplugins.datasets.transforms.foreign import check_pipeline

SIZE = (40, 60)
#: The kinds of target, and those that point nowhere.
ALL = dict(
    parts=LabelMap(classes=[str(i) for i in range(20)]),
    depth=DepthMap(),
    normals=NormalMap(),
)
PLACES = {task: ALL[task] for task in ("parts", "depth")}
IMAGE_LEVEL = dict(scene=ImageLabel())

_CROP = dict(crop_size=(24, 32))
_POLICY = dict(magnitude=0.8, prob=1.0)
#: Arguments that let a transform act, by name; the others need none, or cannot be built from any.
ARGUMENTS: dict[str, dict] = {
    "mmengine.CenterCrop": _CROP,
    "mmengine.Compose": dict(transforms=[dict(type="mmseg.RandomCrop", **_CROP)]),
    "mmengine.RandomApply": dict(transforms=[dict(type="mmseg.RandomCrop", **_CROP)], prob=1.0),
    "mmengine.RandomChoice": dict(transforms=[[dict(type="mmseg.RandomCrop", **_CROP)]]),
    "mmengine.KeyMapper": dict(
        transforms=[dict(type="mmcv.Resize", scale=(30, 20))], mapping=dict(img="img")
    ),
    "mmengine.TransformBroadcaster": dict(
        transforms=[dict(type="Resize", scale=(30, 20))], mapping=dict(img=["img"])
    ),
    "mmengine.ImageToTensor": dict(keys=["img"]),
    "mmengine.ToTensor": dict(keys=["img"]),
    "mmengine.Normalize": dict(mean=[100.0] * 3, std=[50.0] * 3),
    "mmengine.Pad": dict(size=(64, 64)),
    "mmengine.RandomChoiceResize": dict(scales=[(30, 20)]),
    "mmengine.RandomResize": dict(scale=(30, 20), ratio_range=(1.0, 1.0)),
    "mmengine.RandomFlip": dict(prob=1.0),
    "mmengine.RandomGrayscale": dict(prob=1.0, keep_channels=True),
    "mmengine.Resize": dict(scale=(30, 20)),
    "mmseg.RandomCrop": _CROP,
    "mmseg.RandomFlip": dict(prob=1.0),
    "mmseg.Resize": dict(scale=(30, 20)),
    "mmseg.ResizeShortestEdge": dict(scale=20, max_size=60),
    "mmseg.ResizeToMultiple": dict(size_divisor=32),
    "mmseg.RandomCutOut": dict(prob=1.0, n_holes=1, cutout_shape=(9, 9)),
    "mmseg.RandomRotate": dict(prob=1.0, degree=(20.0, 20.0)),
    "mmseg.RandomRotFlip": dict(rotate_prob=1.0, degree=(20.0, 20.0)),
    "mmseg.RGB2Gray": dict(out_channels=3),
    "mmseg.SegRescale": dict(scale_factor=2),
    "mmseg.RandomMosaic": dict(prob=1.0),
    "mmpretrain.CenterCrop": _CROP,
    "mmpretrain.EfficientNetCenterCrop": dict(crop_size=24),
    "mmpretrain.EfficientNetRandomCrop": dict(scale=24),
    "mmpretrain.MAERandomResizedCrop": dict(size=(24, 24)),
    "mmpretrain.RandomCrop": _CROP,
    "mmpretrain.RandomResizedCrop": dict(scale=24),
    "mmpretrain.RandomFlip": dict(prob=1.0),
    "mmpretrain.RandomErasing": dict(erase_prob=1.0, max_area_ratio=0.1),
    "mmpretrain.RandomGrayscale": dict(prob=1.0, keep_channels=True),
    "mmpretrain.Resize": dict(scale=(30, 20)),
    "mmpretrain.ResizeEdge": dict(scale=20),
    "mmpretrain.Cutout": dict(shape=7, prob=1.0),
    "mmpretrain.ColorJitter": dict(brightness=0.3, contrast=0.3, saturation=0.3),
    "mmpretrain.GaussianBlur": dict(radius=1.0, prob=1.0),
    "mmpretrain.RandAugment": dict(
        policies=[dict(type="mmpretrain.Rotate", angle=20.0)], num_policies=1, magnitude_level=5
    ),
    "mmpretrain.AutoAugment": dict(
        policies=[[dict(type="mmpretrain.Rotate", angle=20.0, prob=1.0)]]
    ),
    "mmpretrain.Rotate": dict(angle=20.0, prob=1.0),
    "mmpretrain.Shear": dict(magnitude=0.3, prob=1.0),
    "mmpretrain.Translate": dict(magnitude=0.3, prob=1.0),
    "mmpretrain.Posterize": dict(bits=4, prob=1.0),
    "mmpretrain.Solarize": dict(thr=128, prob=1.0),
    "mmpretrain.SolarizeAdd": dict(magnitude=30, prob=1.0),
    "mmpretrain.Lighting": dict(eigval=[1.0, 1.0, 1.0], eigvec=np.eye(3).tolist(), alphastd=0.1),
    **{
        f"mmpretrain.{name}": _POLICY
        for name in ("Brightness", "ColorTransform", "Contrast", "Sharpness")
    },
    **{f"mmpretrain.{name}": dict(prob=1.0) for name in ("AutoContrast", "Equalize", "Invert")},
    "mmpretrain.torchvision/CenterCrop": dict(size=24),
    "mmpretrain.torchvision/ColorJitter": dict(brightness=0.5),
    "mmpretrain.torchvision/ElasticTransform": {},
    "mmpretrain.torchvision/GaussianBlur": dict(kernel_size=3),
    "mmpretrain.torchvision/Pad": dict(padding=4),
    "mmpretrain.torchvision/RandomAdjustSharpness": dict(sharpness_factor=2, p=1.0),
    "mmpretrain.torchvision/RandomAffine": dict(degrees=(20, 20)),
    "mmpretrain.torchvision/RandomCrop": dict(size=24),
    "mmpretrain.torchvision/RandomPosterize": dict(bits=4, p=1.0),
    "mmpretrain.torchvision/RandomResizedCrop": dict(size=24),
    "mmpretrain.torchvision/RandomRotation": dict(degrees=(20, 20)),
    "mmpretrain.torchvision/RandomSolarize": dict(threshold=128, p=1.0),
    "mmpretrain.torchvision/Resize": dict(size=24),
    **{
        f"mmpretrain.torchvision/Random{name}": dict(p=1.0)
        for name in ("Autocontrast", "Equalize", "Grayscale", "Invert", "Perspective")
    },
    **{
        f"mmpretrain.torchvision/Random{name}": dict(p=1.0)
        for name in ("HorizontalFlip", "VerticalFlip")
    },
}


def registered() -> list[str]:
    """Every transform of mmcv, mmseg and mmpretrain, by its registry and name, but ours."""
    found = []
    for scope, registry in (("mmengine", MMCV), ("mmseg", MMSEG), ("mmpretrain", MMPRETRAIN)):
        for name, kind in registry.module_dict.items():
            if not getattr(kind, "__module__", "").startswith(("mtlplugins", "tests")):
                found.append(f"{scope}.{name}")
    return sorted(found)


def build(name: str) -> Callable:
    """Build a transform, by the arguments above."""
    scope, kind = name.split(".", 1)
    registry = dict(mmengine=MMCV, mmseg=MMSEG, mmpretrain=MMPRETRAIN)[scope]
    with DefaultScope.overwrite_default_scope("mmseg"):
        return registry.module_dict[kind](**ARGUMENTS.get(name, {}))


def sample(image: np.ndarray) -> dict[str, Any]:
    """An image whose targets tell where each pixel comes from; all normals point right."""
    rows, columns = np.mgrid[: SIZE[0], : SIZE[1]]
    normals = np.zeros((*SIZE, 3), np.float32)
    normals[..., 0] = 1
    return dict(
        img=image.copy(),
        img_path="image.jpg",
        ori_shape=SIZE,
        img_shape=SIZE,
        gt_parts=(rows // 2).astype(np.int32),
        gt_depth=(1 + columns).astype(np.float32),
        gt_normals=normals,
        seg_fields=["gt_parts", "gt_depth", "gt_normals"],
    )


def places() -> np.ndarray:
    """An image that tells where each pixel comes from: 5 · row + 20, 3 · column + 20."""
    rows, columns = np.mgrid[: SIZE[0], : SIZE[1]]
    return np.stack([5 * rows + 20, 3 * columns + 20, 0 * rows + 90], -1).astype(np.uint8)


def spot(*, there: bool) -> np.ndarray:
    """A plain image, with or without a spot."""
    image = np.full((*SIZE, 3), 60, np.uint8)
    image[::7] = 30
    image[0, :9], image[1, :9] = 0, 255  # for those that stretch the range
    if there:
        image[8:13, 44:49] = 200
    return image


def run(transform: Callable, name: str, image: np.ndarray, seed: int = 3) -> dict[str, Any]:
    """Transform a sample; torchvision's take and give images of Pillow."""
    import random

    from PIL import Image

    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)
    results = sample(image)
    pillow = "torchvision/" in name
    if pillow:
        results["img"] = Image.fromarray(results["img"])
    results = transform(results)
    if pillow or isinstance(results["img"], Image.Image):
        results["img"] = np.array(results["img"])
    if results["img"].ndim == 2:
        results["img"] = results["img"][..., None]
    return results


def measure(name: str) -> str:
    """Say what a transform does: ``image``, ``places``, ``directions`` too, ``wrong`` or ``fails``.

    ``places``: each valid target pixel comes from where the image's pixel comes from, to a pixel.
    ``directions``: and normals still point to where the image's right is now.
    """
    try:
        with warnings.catch_warnings():  # which pytest makes errors of
            warnings.simplefilter("ignore")
            return _measured(name)
    except Exception:  # whatever it lacks: keys, packages, arguments, three dimensions
        return "fails"


def _measured(name: str) -> str:
    transform = build(name)
    moved = run(transform, name, places())
    untouched = sample(places())
    same = all(
        moved[key].shape == value.shape and (moved[key] == value).all()
        for key, value in untouched.items()
        if key.startswith("gt_")
    )
    if same and moved["img"].shape == untouched["img"].shape:
        if (moved["img"] == untouched["img"]).all():
            return "image"
        return "image" if _stays(transform, name) else "wrong"
    if not _in_place(moved):
        return "wrong"
    return "directions" if _points_right(moved) else "places"


def _stays(transform: Callable, name: str) -> bool:
    """Whether what differs in an image differs at the same place after the transform."""
    for seed in range(8):
        with_it, without = (
            run(transform, name, spot(there=there), seed)["img"].astype(float).sum(-1)
            for there in (True, False)
        )
        difference = np.abs(with_it - without)
        if difference.max() == 0:  # covered by what is erased
            continue
        rows, columns = np.nonzero(difference > 0.6 * difference.max())
        inside = (rows >= 7) & (rows <= 13) & (columns >= 43) & (columns <= 49)
        if not inside.all():
            return False
    return True


def _in_place(results: dict[str, Any]) -> bool:
    image, size = results["img"].astype(float), results["img"].shape[:2]
    if any(results[f"gt_{task}"].shape[:2] != size for task in ALL):
        return False
    row, column = (image[..., 0] - 20) / 5, (image[..., 1] - 20) / 3
    parts, depth = results["gt_parts"], results["gt_depth"]
    valid = (parts != 255) & (depth != 0)
    black = image.sum(-1) == 0  # filled
    right = np.abs(depth - 1 - column)[valid & ~black] <= 1.1
    near = np.abs(2 * parts + 0.5 - row)[valid & ~black] <= 2.1
    length = np.linalg.norm(results["gt_normals"], axis=-1)
    unit = np.isclose(length, 1, atol=0.01) | (length == 0)
    known = (parts >= 0) & ((parts < 20) | (parts == 255))
    filled = not (valid & black).any()
    whole = valid.mean() > 0.3 and right.mean() > 0.98 and near.mean() > 0.98
    return bool(whole and filled and unit.all() and known.all())


def _points_right(results: dict[str, Any]) -> bool:
    depth, normals = results["gt_depth"].astype(float), results["gt_normals"]
    inside = (depth != 0)[5:-5, 5:-5]
    down, right = np.gradient(depth)
    # over several pixels: the nearest one steps
    along = np.array([right[5:-5, 5:-5][inside].mean(), down[5:-5, 5:-5][inside].mean()])
    along /= np.linalg.norm(along)
    pointing = normals[5:-5, 5:-5][inside][:, :2].mean(axis=0)
    return bool(along @ pointing > 0.98)


def refusal(name: str, targets: dict) -> str | None:
    """Why a pipeline with the transform is refused, None where it is not or cannot be built."""
    from mtlplugins.datasets.transforms import LoadTargets

    try:
        transform = build(name)
    except Exception:  # mmengine names what is missing
        return "cannot be built"
    try:
        check_pipeline([LoadTargets(), transform], targets)
    except ValueError as error:
        return str(error)
    return None


#: In words.
EFFECTS = dict(
    image="stay, as their pixels of the image do",
    places="move with the image, directions do not turn",
    directions="move with the image",
    wrong="**are left behind or filled wrongly**",
    fails="it does not run without what other data have, or without arguments of its own",
)


def table() -> str:
    """Write the table of docs/transforms.md."""
    lines = [
        "| transform | labels and depth | with normals | what becomes of targets, as measured |",
        "|---|---|---|---|",
    ]
    for name in registered():
        verdicts = ["refused" if refusal(name, t) else "works" for t in (PLACES, ALL)]
        shown = name.replace("mmengine.", "mmcv.")
        lines.append(f"| `{shown}` | {verdicts[0]} | {verdicts[1]} | {EFFECTS[measure(name)]} |")
    return "\n".join(lines) + "\n"
