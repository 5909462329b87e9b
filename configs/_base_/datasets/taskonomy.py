# Taskonomy, the tiny split: 18 labels, depth in metres.
dataset_type = "TaskonomyDataset"
data_root = "data/taskonomy"
ann_file = "train_val_test_tiny.csv"  # below data_root

train_pipeline = [
    dict(type="LoadMultiTaskImage"),
    dict(type="LoadTargets"),
    dict(type="MultiTaskRandomResizedCrop", scale=224, crop_ratio_range=(0.5, 1.0)),
    dict(type="MultiTaskRandomFlip"),
    dict(
        type="MultiTaskColorJitter",
        brightness=0.2,
        contrast=0.2,
        saturation=0.2,
        hue=0.1,
    ),
    dict(type="PackMultiTask"),
]
# The pictures are square, 512 x 512; targets stay at that size.
test_pipeline = [
    dict(type="LoadMultiTaskImage"),
    dict(type="MultiTaskResize", scale=(224, 224)),
    dict(type="LoadTargets"),
    dict(type="PackMultiTask"),
]

train_dataloader = dict(
    batch_size=16,  # the thesis does not say
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type="DrawSampler", shuffle=True),
    dataset=dict(
        type=dataset_type,
        data_root=data_root,
        ann_file=ann_file,
        split="train",
        pipeline=train_pipeline,
    ),
)
val_dataloader = dict(
    batch_size=8,
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type="DefaultSampler", shuffle=False),
    dataset=dict(
        type=dataset_type,
        data_root=data_root,
        ann_file=ann_file,
        split="val",
        pipeline=test_pipeline,
        test_mode=True,
    ),
)
# the thesis has results on the validation split alone
test_dataloader = val_dataloader

val_evaluator = [
    dict(type="MultiTaskIoUMetric", task="semantic"),
    dict(type="MultiTaskDepthMetric", task="depth"),
]
test_evaluator = val_evaluator
