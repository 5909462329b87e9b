# A tenth of the labels, and a helper task that needs none, on all 795 training frames: how far has
# an image been rotated? A batch has eight labelled images, as without it, and eight rotated ones.
_base_ = "tenth_small_nyuv2.py"
tasks = ("semantic", "depth", "rotation")
model = dict(
    heads=dict(rotation=dict(type="ClassificationHead", in_channels=256, num_classes=4)),
    task_weights=dict(rotation=0.5),
)
labelled = dict(
    type="NYUv2Dataset",
    data_root=_base_.data_root,
    ann_file="splits/train.txt",
    tasks=("semantic", "depth"),
    indices=list(range(0, 795, 10)),
    pipeline=_base_.train_pipeline,
)
rotated = dict(
    type="MultiTaskDataset",
    data_root=_base_.data_root,
    ann_file="splits/train.txt",
    targets=dict(rotation=dict(type="RotationLabel")),
    tasks=("rotation",),
    pipeline=[
        dict(type="LoadMultiTaskImage"),
        dict(type="MultiTaskRandomResizedCrop", scale=_base_.size, crop_ratio_range=(0.4, 1.0)),
        dict(type="MultiTaskRandomFlip"),
        _base_.train_pipeline[4],  # colours
        dict(type="MakeTargets"),
        dict(type="PackMultiTask"),
    ],
)
train_dataloader = dict(
    batch_size=16,
    dataset=dict(_delete_=True, type="MixedDataset", datasets=[labelled, rotated], ratios=(1, 1)),
)
val_dataloader = dict(dataset=dict(tasks=("semantic", "depth")))
test_dataloader = val_dataloader
