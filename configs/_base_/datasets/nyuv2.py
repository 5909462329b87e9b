# NYU Depth V2: 14 classes with background as class 0, depth in metres.
dataset_type = "NYUv2Dataset"
data_root = "data/nyuv2"
tasks = ("semantic", "depth")  # of these four: semantic, depth, normals, scene

# The thesis, section 4.4
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
# Height 224 is the scale of an average training crop; targets stay at their original size.
test_pipeline = [
    dict(type="LoadMultiTaskImage"),
    dict(type="MultiTaskResize", scale=(224, 288)),
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
        ann_file="splits/train.txt",
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
        ann_file="splits/test.txt",
        pipeline=test_pipeline,
        test_mode=True,
    ),
)
test_dataloader = val_dataloader

val_evaluator = [
    dict(type="MultiTaskIoUMetric", task="semantic"),
    dict(type="MultiTaskDepthMetric", task="depth"),
    dict(type="MultiTaskNormalsMetric", task="normals"),
    dict(type="MultiTaskAccuracy", task="scene"),
]
test_evaluator = val_evaluator
