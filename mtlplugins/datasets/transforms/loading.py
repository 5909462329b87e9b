"""From files to arrays."""

from __future__ import annotations

from mmcv.transforms import BaseTransform, LoadImageFromFile
from mmseg.registry import TRANSFORMS

from mtlplugins.datasets.reading.files import BrokenFile, open_image

from .decoding import UndecodedImage, broken_if_unreadable, is_turned, size_of

#: What is wrong with a picture that is turned, and its targets are not.
TURNED = (
    "{} is turned on loading, as its EXIF data say, but its targets are not: store it without the "
    "tag, its pixels turned as those of its targets"
)


@TRANSFORMS.register_module()
class LoadMultiTaskImage(LoadImageFromFile):
    """mmcv's ``LoadImageFromFile``, which names the file when it cannot be decoded.

    Decodes with Pillow: it notices a truncated file, OpenCV returns the rest in grey. The picture
    is BGR uint8 (H, W, 3), as everywhere in the mm stack. A header that announces an absurd size is
    refused before it is believed.

    Where the file's EXIF data say so, the picture is turned, and ``turned`` is True for
    ``LoadTargets``.

    Raises:
        BrokenFile: The file is damaged, none of the formats that are read, absurdly large, or has
            more than 8 bits per channel.
    """

    def __init__(self) -> None:
        super().__init__(imdecode_backend="pillow")

    def transform(self, results: dict) -> dict:
        with broken_if_unreadable(path := results["img_path"]):
            with open_image(path) as image:
                mode = image.mode
                results["turned"] = is_turned(path, image)
            if mode.startswith(("I", "F")):  # Pillow would make white of all above 255
                raise ValueError(f"its pixels are {mode}, not of 8 bits per channel; convert it")
            return super().transform(results)


@TRANSFORMS.register_module()
class OpenMultiTaskImage(LoadMultiTaskImage):
    """``LoadMultiTaskImage`` that leaves a JPEG to be decoded by the crop or resize behind it.

    That knows how large the picture must be, and decodes it at 1/2, 1/4 or 1/8 of its size where
    that is enough: a fraction of the time for photographs that are much larger than what the model
    takes, and smoother than single pixels of the whole. Other formats are decoded here.

    A transform of its own and no option of the other: mmseg puts one without options in the place
    of the first to predict arrays. ``results["img"]`` is an :class:`UndecodedImage` meanwhile.

    Raises:
        BrokenFile: As above, here or by the crop or resize.
        ValueError: Another transform, but ``LoadTargets``, wants the pixels before.
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
    """Load the targets that an image has, each by its own kind.

    Does nothing where there are none, so that one pipeline serves testing and inference. Adds
    ``gt_<task>``, and the dense ones' keys to ``seg_fields``, which mmseg's crops, flips and
    resizes move with the image; docs/transforms.md lists what each transform does to targets.

    Raises:
        BrokenFile: A target cannot be read, holds what it should not, or has another size than the
            image file; or it is a map, and the image was turned on loading.
        ValueError: The image is not loaded yet, or is cropped or mirrored already.
    """

    def transform(self, results: dict) -> dict:
        if "ori_shape" not in results or "crop_box" in results or "flip" in results:
            raise ValueError(
                "pipeline: LoadTargets belongs behind LoadMultiTaskImage and before crops and "
                "flips, which would change the image alone"
            )
        results["loaded_shape"] = tuple(size_of(results["img"]))
        fields = results.setdefault("seg_fields", [])
        for task, source in results.get("target_sources", {}).items():
            target = results["target_types"][task]
            key = f"gt_{task}"
            if source is None:  # a transform makes it
                continue
            if target.dense and results.get("turned"):
                raise BrokenFile(TURNED.format(results["img_path"]), results["img_path"])
            results[key] = value = target.load(source)
            if not target.dense:
                continue
            if value.shape[:2] != tuple(results["ori_shape"][:2]):
                raise BrokenFile(
                    f"task {task!r}: {source} is {value.shape[1]} x {value.shape[0]} pixels, its "
                    f"image {results['img_path']} is {results['ori_shape'][1]} x "
                    f"{results['ori_shape'][0]}; store both at the same size",
                    str(source),
                )
            fields.append(key)
        return results
