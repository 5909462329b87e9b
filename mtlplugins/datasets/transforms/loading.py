"""Loading of images and targets from files."""

from __future__ import annotations

import mmcv
from mmcv.transforms import BaseTransform, LoadImageFromFile
from mmseg.registry import TRANSFORMS

from mtlplugins.datasets.reading.files import BrokenFile, open_image, read_content
from mtlplugins.datasets.reading.opencv_decoding import decode_whole
from mtlplugins.datasets.targets.sizes import fitted

from .decoding import UndecodedImage, broken_if_unreadable, is_turned, size_of

#: Error of an image that EXIF data rotate while its targets stay as they are.
TURNED = (
    "{} is turned on loading, as its EXIF data say, but its targets are not: store it without the "
    "tag, its pixels turned as those of its targets"
)


@TRANSFORMS.register_module()
class LoadMultiTaskImage(LoadImageFromFile):
    """mmcv's ``LoadImageFromFile`` with errors that name the file.

    OpenCV decodes JPEG and PNG files that end as they should, Pillow all others: OpenCV fills the
    rest of a truncated file with grey. The image is BGR uint8 (H, W, 3), as everywhere in the mm
    stack. An absurd size in the header is refused before memory is allocated for it.

    An image is rotated or mirrored according to its EXIF data; ``turned`` then tells
    ``LoadTargets``.

    Raises:
        BrokenFile: The file is damaged, of a format that is not read, absurdly large, or has more
            than 8 bits per channel.
    """

    def __init__(self) -> None:
        super().__init__(imdecode_backend="pillow")

    def transform(self, results: dict) -> dict:
        with broken_if_unreadable(path := results["img_path"]):
            with open_image(path) as image:
                mode = image.mode
                results["turned"] = turned = is_turned(path, image)
                pixels = None if turned else decode_whole(path, image, colours=True)
            if mode.startswith(("I", "F")):  # Pillow would clip all above 255
                raise ValueError(
                    f"its pixels are {mode}, not of 8 bits per channel; convert it, or load it by "
                    "dict(type='LoadImageChannels', channels=1), with mean and std of one value "
                    "in model.data_preprocessor and model.backbone.in_channels=1"
                )
            if pixels is None:
                pixels = mmcv.imfrombytes(read_content(path), flag="color", backend="pillow")
            results["img"] = pixels
            results["img_shape"] = results["ori_shape"] = pixels.shape[:2]
            return results


@TRANSFORMS.register_module()
class OpenMultiTaskImage(LoadMultiTaskImage):
    """``LoadMultiTaskImage`` that lets the following crop or resize decode a JPEG.

    The crop or resize knows the size it needs, and decodes at 1/2, 1/4 or 1/8 of the image's size
    if that is enough: a fraction of the time for images much larger than the model's input, and
    smoother than single pixels of the full scale. Other formats are decoded here. Until then
    ``results["img"]`` is an :class:`UndecodedImage`.

    It is a transform, not an option of ``LoadMultiTaskImage``, because mmseg replaces the first
    transform by one without options to predict arrays.

    Raises:
        BrokenFile: As for ``LoadMultiTaskImage``, here or in the crop or resize.
        ValueError: A transform other than ``LoadTargets`` uses the pixels before.
    """

    def transform(self, results: dict) -> dict:
        path = results["img_path"]
        with broken_if_unreadable(path), open_image(path) as header:
            image = UndecodedImage.of(path, header)
        if image is None:
            return super().transform(results)
        results["img"], results["turned"] = image, image.turned
        results["img_shape"] = results["ori_shape"] = size_of(image)
        return results


@TRANSFORMS.register_module()
class LoadTargets(BaseTransform):
    """Load the targets of an image, each by its own kind.

    Does nothing without targets, so that one pipeline serves testing and inference. Adds
    ``gt_<task>``, and the keys of dense targets to ``seg_fields``, which mmseg's crops, flips and
    resizes move with the image; docs/transforms.md lists what each transform does to targets. A map
    of another size than its image file is resized by the rule of its kind.

    Raises:
        BrokenFile: A target cannot be read, has wrong content, or another shape than the image
            file; or it is a map, and EXIF data rotated the image.
        ValueError: The image is not loaded yet, or is already cropped or mirrored.
    """

    def transform(self, results: dict) -> dict:
        if "ori_shape" not in results or "crop_box" in results or "flip" in results:
            raise ValueError(
                "pipeline: LoadTargets belongs after LoadMultiTaskImage and before crops and "
                "flips, which would change only the image"
            )
        results["loaded_shape"] = tuple(size_of(results["img"]))
        fields = results.setdefault("seg_fields", [])
        for task, source in results.get("target_sources", {}).items():
            target = results["target_types"][task]
            key = f"gt_{task}"
            if source is None:  # a transform computes it
                continue
            if target.dense and results.get("turned"):
                raise BrokenFile(TURNED.format(results["img_path"]), results["img_path"])
            results[key] = value = target.load(source)
            if not target.dense:
                continue
            size = tuple(results["ori_shape"][:2])
            try:
                results[key] = fitted(target, value, size, where=results["img_path"], source=source)
            except BrokenFile as error:
                raise BrokenFile(f"task {task!r}: {error}", error.path) from error
            fields.append(key)
        return results
