"""Check of other packages' transforms: do dense targets stay aligned with the image?"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, cast

from mtlplugins.datasets.targets.base import DenseTarget, Target

_PACKAGES = ("mmcv", "mmseg", "mmpretrain", "torchvision")

#: Transforms that change pixel values in place, so that no target has to follow.
IMAGE_ALONE = frozenset(
    {f"mmseg.{n}" for n in ("AdjustGamma", "CLAHE", "PhotoMetricDistortion", "RGB2Gray")}
    | {"mmseg.Rerange", "mmpretrain.Lighting", "mmpretrain.GaussianBlur", "mmpretrain.Cutout"}
    | {f"mmpretrain.{n}" for n in ("AutoContrast", "Brightness", "ColorTransform", "Contrast")}
    | {f"mmpretrain.{n}" for n in ("Equalize", "Invert", "Posterize", "Sharpness", "Solarize")}
    | {"mmpretrain.SolarizeAdd", "mmpretrain.RandomErasing", "mmpretrain.NumpyToPIL"}
    | {"mmpretrain.PILToNumpy", "torchvision.ColorJitter", "torchvision.GaussianBlur"}
    | {f"torchvision.Random{n}" for n in ("AdjustSharpness", "Autocontrast", "Equalize")}
    | {f"torchvision.Random{n}" for n in ("Grayscale", "Invert", "Posterize", "Solarize")}
)
#: Transforms that run others, which are checked one by one.
_CONTAINERS = ("mmcv.Compose", "mmengine.Compose", "mmcv.RandomApply", "mmcv.RandomChoice")
#: Transforms of ours that move an image with the targets that are loaded.
_MOVES = tuple(f"mtlplugins.MultiTaskRandom{n}" for n in ("Flip", "ResizedCrop", "Rotate"))
_RESIZERS = ("mmcv.RandomChoiceResize", "mmcv.RandomResize", "mmseg.ResizeShortestEdge")

_LOAD = "use LoadMultiTaskImage or OpenMultiTaskImage, and LoadTargets after it"
_PACK = "use PackMultiTask, which also makes the tensors"
_PREPROCESSOR = "leave it out: the model's data_preprocessor does it"
_NORMALISE = "leave it out: the model's data_preprocessor does it, and would do it again"
_VOLUMES = "leave it out: images here have no third axis"
_CROP = "use MultiTaskRandomResizedCrop, or mmseg's RandomCrop"
_RESIZE = "use MultiTaskResize, or mmseg's Resize"
_FLIP = "use MultiTaskRandomFlip"
_ROTATE = "use MultiTaskRandomRotate"
_COLOUR = "use MultiTaskColorJitter, or mmseg's PhotoMetricDistortion"
#: Advice by a part of the transform's name; the first match counts.
_INSTEAD = (
    ("Pack", _PACK),
    ("ToTensor", _PACK),
    ("Collect", _PACK),
    ("BioMedical", _VOLUMES),
    ("Inferencer", _LOAD),
    ("Load", _LOAD),
    ("Normalize", _NORMALISE),
    ("Pad", _PREPROCESSOR),
    ("Crop", _CROP),
    ("Resize", _RESIZE),
    ("SegRescale", _RESIZE),
    ("Flip", _FLIP),
    ("Rot", _ROTATE),
    ("Shear", _ROTATE),
    ("Affine", _ROTATE),
    ("Translate", _CROP),
    ("Augment", _COLOUR),
    ("AugMix", _COLOUR),
    ("Color", _COLOUR),
    ("Grayscale", "set keep_channels=True of mmcv's RandomGrayscale"),
)
_OTHERWISE = "leave it out, or write a transform that moves results['gt_<task>'] as well"


def check_pipeline(transforms: Iterable[Callable], targets: Mapping[str, Target]) -> None:
    """Refuse transforms that would misalign image and targets, or fill targets wrongly.

    Transforms of mmcv, mmseg, mmpretrain and torchvision are checked, and whether ours stand after
    ``LoadTargets``; other authors know what theirs do, and :class:`PackMultiTask` compares sizes in
    any case.

    Args:
        transforms: The built transforms of a pipeline, in order.
        targets: The kinds of target in it, by task.

    Raises:
        ValueError: A transform is refused; the message names it and what to use instead.
    """
    dense = {task: cast(DenseTarget, target) for task, target in targets.items() if target.dense}
    steps = list(_inner(transforms))
    names = [name_of(step) for step in steps]
    loaded = "mtlplugins.LoadTargets" not in names
    for step, name in zip(steps, names, strict=True):
        loaded |= name == "mtlplugins.LoadTargets"
        if name in _MOVES and dense and not loaded:
            raise ValueError(
                f"pipeline: {name.partition('.')[2]} stands before LoadTargets and would move the "
                "image alone: put LoadTargets after LoadMultiTaskImage, before what moves the image"
            )
        if name.partition(".")[0] not in _PACKAGES or not (dense or _formats(name)):
            continue
        if reason := _fault(step, name, dense, loaded):
            raise ValueError(f"pipeline: {name} {reason}: {_instead(name)}")


def name_of(transform: Any) -> str:
    """Name a transform by its package and class, such as ``mmseg.RandomCrop``."""
    kind = type(transform)
    if kind.__name__ == "TorchVisonTransformWrapper":  # sic, mmpretrain's
        return f"torchvision.{type(transform.t).__name__}"
    return f"{kind.__module__.partition('.')[0]}.{kind.__name__}"


def _inner(transforms: Iterable[Any]) -> Iterator[Any]:
    """Yield the transforms, with those that run others replaced by what they run."""
    for transform in transforms:
        name = name_of(transform)
        if name in _CONTAINERS:
            yield from _inner(transform.transforms)
        elif name in _RESIZERS:
            yield from _inner([transform.resize])
        else:
            yield transform


def _formats(name: str) -> bool:
    """Return whether the output cannot be used by the model, whatever the targets are."""
    return _instead(name) in (_PACK, _NORMALISE)


def _fault(step: Any, name: str, dense: Mapping[str, DenseTarget], loaded: bool) -> str | None:
    """Describe what a transform does wrong to the targets; None if nothing."""
    if name in IMAGE_ALONE:
        return None
    if name in ("mmseg.Resize", "mmseg.ResizeToMultiple"):
        return None
    if name == "mmcv.RandomGrayscale":
        return None if step.keep_channels else "makes one channel of an image now and then"
    if name == "mmseg.RandomCutOut":
        wrong = [t for t, target in dense.items() if step.seg_fill_in not in (None, target.invalid)]
        if not wrong:
            return None
        return (
            f"fills the targets of {', '.join(wrong)} with seg_fill_in={step.seg_fill_in}, which "
            "is a value and not a missing one"
        )
    if name in ("mmseg.RandomCrop", "mmseg.RandomFlip") and not loaded:
        return "stands before LoadTargets and would move the image alone"
    if name == "mmseg.RandomCrop":
        if step.cat_max_ratio >= 1:
            return None
        return "asks with cat_max_ratio for gt_seg_map, which no task has; leave that out"
    if name == "mmseg.RandomFlip":
        if step.swap_seg_labels is not None:
            return (
                f"would exchange values in {', '.join(dense)} alike; give the LabelMap "
                "left_right=[('left arm', 'right arm')]"
            )
        pointing = [task for task, target in dense.items() if target.mirrors]
        if not pointing:
            return None
        return f"mirrors the places of {', '.join(pointing)} and not the directions or classes"
    if _instead(name) in (_PACK, _NORMALISE, _LOAD, _VOLUMES):
        return "has no place in a pipeline of these data"
    return f"is not known to keep {', '.join(dense)} in step with the image"


def _instead(name: str) -> str:
    short = name.partition(".")[2]
    return next((advice for part, advice in _INSTEAD if part in short), _OTHERWISE)
