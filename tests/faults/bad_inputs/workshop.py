"""Valid inputs of a user, to be damaged: configs, data, a trained model."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tests._data import make_cifar, make_image, write, write_labels, write_split
from tests.tools.command import ROOT

NAMES = ("a", "b", "c", "d")
SIZE = (64, 96)

#: A small model on rendered rooms, which need no files.
ROOMS = f"""
_base_ = {str(ROOT / "configs/rooms/swin_cond_rooms.py")!r}
sizes = dict(in_channels=(8, 16, 32, 64), channels=(8, 8, 8))
model = dict(
    backbone=dict(
        depths=(1, 1, 2, 1), embed_dims=8, num_heads=(1, 1, 1, 1),
        plan=dict(attention=(0, 0, 1, 1), embed_dims=16),
    ),
    decoders=dict(semantic=sizes, depth=sizes),
    heads=dict(
        semantic=dict(in_channels=8), depth=dict(in_channels=8), scene=dict(in_channels=64)
    ),
)
here = dict(batch_size=2, num_workers=0, persistent_workers=False)
train_dataloader = dict(**here, dataset=dict(length=4))
val_dataloader = dict(**here, dataset=dict(length=2))
test_dataloader = val_dataloader
train_cfg = dict(max_epochs=1)
param_scheduler = [
    dict(
        type="OneCycleLR", eta_max=3e-3, pct_start=0.2, total_steps=1, by_epoch=True,
        convert_to_iter_based=True,
    )
]
"""

#: The same model on the folder of docs/own_data.md: photos, labels, depth and room types.
MINE = """
_base_ = "rooms.py"
data_root = "data"
targets = dict(
    semantic=dict(type="LabelMap", folder="labels", classes=("wall", "floor", "thing")),
    depth=dict(type="DepthMap", folder="depth", unit=0.001),
    scene=dict(type="ImageLabel", file="rooms.json"),
)
dataset = dict(
    _delete_=True,
    type="MultiTaskDataset",
    data_root=data_root,
    targets=targets,
    image=dict(folder="photos", suffix=".jpg"),
)
train_pipeline = [
    dict(type="LoadMultiTaskImage"),
    dict(type="LoadTargets"),
    dict(type="MultiTaskRandomResizedCrop", scale=(64, 96)),
    dict(type="PackMultiTask"),
]
test_pipeline = [
    dict(type="LoadMultiTaskImage"),
    dict(type="MultiTaskResize", scale=(64, 96)),
    dict(type="LoadTargets"),
    dict(type="PackMultiTask"),
]
train_dataloader = dict(dataset=dict(**dataset, ann_file="train.txt", pipeline=train_pipeline))
val_dataloader = dict(
    dataset=dict(**dataset, ann_file="val.txt", pipeline=test_pipeline, test_mode=True)
)
test_dataloader = val_dataloader
model = dict(heads=dict(semantic=dict(num_classes=3), scene=dict(num_classes=2)))
"""

#: Rooms twice, to be mixed.
MIXED = """
_base_ = "rooms.py"
rooms = dict(
    type="RoomsDataset", length=4, size=(64, 96), tasks=("semantic", "depth", "scene"),
    pipeline=[dict(type="PackMultiTask")],
)
train_dataloader = dict(
    dataset=dict(_delete_=True, type="MixedDataset", datasets=[rooms, rooms], ratios=(1, 1))
)
"""

#: An encoder whose maps have these channels, in the place of the Swin.
ENCODER = """
_base_ = "rooms.py"
channels = {channels}
decoder = dict(in_channels=channels, channels=(8,) * {decoded})
model = dict(
    backbone=dict(_delete_=True, {backbone}),
    decoders=dict(semantic=decoder, depth=decoder),
    heads=dict(scene=dict(in_channels=channels[-1])),
)
"""
RESNET = 'type="CondResNet", depth=18, base_channels=4, stem_channels=4'
TIMM = 'type="TIMMBackbone", model_name="convnext_atto", features_only=True, pretrained=True'
# without an out_type, as mmpretrain's it gives class tokens
VIT = """
    type="CondVisionTransformer", img_size=(64, 96), out_indices=(0, 1),
    arch=dict(embed_dims=8, num_layers=2, num_heads=1, feedforward_channels=8),
"""

#: The classification study on few images.
CIFAR = f"""
_base_ = {str(ROOT / "configs/cifar/vit_label_cifar10.py")!r}
here = dict(batch_size=4, num_workers=0, persistent_workers=False)
train_dataloader = val_dataloader = test_dataloader = here
"""


def write_workshop(folder: Path) -> None:
    """Write configs and the data of ``mine.py`` and ``cifar.py``."""
    configs = dict(rooms=ROOMS, mine=MINE, mixed=MIXED, cifar=CIFAR)
    for name, backbone, channels in (
        ("resnet", RESNET, (4, 8, 16, 32)),
        ("timm_encoder", TIMM, (40, 80, 160, 320)),
        ("vit", VIT, (8, 8)),
    ):
        decoded = len(channels) - 1
        configs[name] = ENCODER.format(backbone=backbone, channels=channels, decoded=decoded)
    for name, text in configs.items():
        (folder / f"{name}.py").write_text(text)
    write_data(folder / "data")
    make_cifar(folder / "cifar")
    write(folder / "photo.png", make_image(7))


def write_data(root: Path) -> None:
    """Write four photos with all their targets, two for training and two for validation."""
    rows, columns = np.mgrid[0 : SIZE[0], 0 : SIZE[1]]
    for number, name in enumerate(NAMES):
        write(root / f"photos/{name}.jpg", make_image(number, size=SIZE))
        write(root / f"labels/{name}.png", ((rows * columns + number) % 3).astype(np.uint8))
        write(root / f"depth/{name}.png", (1000 + 10 * columns).astype(np.uint16))
    write_labels(root / "rooms.json", dict(zip(NAMES, ("kitchen", "office") * 2, strict=True)))
    write_split(root / "train.txt", NAMES[:2])
    write_split(root / "val.txt", NAMES[2:])
