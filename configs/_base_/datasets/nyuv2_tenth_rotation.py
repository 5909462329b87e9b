# NYU Depth V2 at 64 x 96: every tenth training frame with its labels, and as many of all frames
# that are rotated, by how much a helper task has to say.
_base_ = "nyuv2_small.py"
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
    batch_size=16,  # eight of each
    dataset=dict(_delete_=True, type="MixedDataset", datasets=[labelled, rotated], ratios=(1, 1)),
)
val_dataloader = dict(dataset=dict(tasks=("semantic", "depth")))
test_dataloader = val_dataloader
