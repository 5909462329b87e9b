# Two data sets with different targets: classes from NYUv2 alone, depth from NYUv2 and from rooms.
_base_ = "nyuv2.py"
size = (96, 128)  # of both, so that no image of a batch needs padding

train_pipeline = [
    dict(type="LoadMultiTaskImage"),
    dict(type="LoadTargets"),
    dict(type="MultiTaskRandomResizedCrop", scale=size, crop_ratio_range=(0.5, 1.0)),
    dict(type="MultiTaskRandomFlip"),
    dict(type="PackMultiTask"),
]
nyuv2 = dict(
    type="NYUv2Dataset",
    data_root=_base_.data_root,
    ann_file="splits/train.txt",
    tasks=("semantic", "depth"),
    pipeline=train_pipeline,
)
rooms = dict(
    type="RoomsDataset",
    length=4000,
    size=size,
    tasks=("depth",),
    pipeline=[dict(type="MultiTaskRandomFlip"), dict(type="PackMultiTask")],
)
test_pipeline = [
    _base_.test_pipeline[0],
    dict(type="MultiTaskResize", scale=size),
    *_base_.test_pipeline[2:],
]

train_dataloader = dict(
    batch_size=8,
    num_workers=1,
    # an epoch is one pass through the first: 795 frames of NYUv2, and 265 rooms
    dataset=dict(_delete_=True, type="MixedDataset", datasets=[nyuv2, rooms], ratios=(3, 1)),
)
val_dataloader = dict(num_workers=1, dataset=dict(pipeline=test_pipeline))
test_dataloader = val_dataloader
