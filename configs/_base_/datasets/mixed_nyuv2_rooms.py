# Two data sets with different targets: classes from NYUv2 alone, depth from NYUv2 and from rooms.
data_root = "data/nyuv2"
tasks = ("semantic", "depth")
size = (96, 128)  # of both, so that no picture of a batch needs padding

nyuv2 = dict(
    type="NYUv2Dataset",
    data_root=data_root,
    ann_file="splits/train.txt",
    tasks=("semantic", "depth"),
    pipeline=[
        dict(type="LoadMultiTaskImage"),
        dict(type="LoadTargets"),
        dict(type="MultiTaskRandomResizedCrop", scale=size, crop_ratio_range=(0.5, 1.0)),
        dict(type="MultiTaskRandomFlip"),
        dict(type="PackMultiTask"),
    ],
)
rooms = dict(
    type="RoomsDataset",
    length=4000,
    size=size,
    tasks=("depth",),
    pipeline=[dict(type="MultiTaskRandomFlip"), dict(type="PackMultiTask")],
)
test_pipeline = [
    dict(type="LoadMultiTaskImage"),
    dict(type="MultiTaskResize", scale=size),
    dict(type="LoadTargets"),
    dict(type="PackMultiTask"),
]

train_dataloader = dict(
    batch_size=8,
    num_workers=1,
    persistent_workers=True,
    sampler=dict(type="DrawSampler", shuffle=True),
    # an epoch is one pass through the first: 795 frames of NYUv2, and 265 rooms
    dataset=dict(type="MixedDataset", datasets=[nyuv2, rooms], ratios=(3, 1)),
)
val_dataloader = dict(
    batch_size=8,
    num_workers=1,
    persistent_workers=True,
    sampler=dict(type="DefaultSampler", shuffle=False),
    dataset=dict(
        type="NYUv2Dataset",
        data_root=data_root,
        ann_file="splits/test.txt",
        pipeline=test_pipeline,
        test_mode=True,
    ),
)
test_dataloader = val_dataloader

val_evaluator = [
    dict(type="MultiTaskIoUMetric", task="semantic"),
    dict(type="MultiTaskDepthMetric", task="depth"),
]
test_evaluator = val_evaluator
