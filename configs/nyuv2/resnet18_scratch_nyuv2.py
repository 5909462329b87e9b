# From scratch on a CPU in half an hour: small images, a ResNet-18 shared by both tasks.
_base_ = [
    "../_base_/datasets/nyuv2.py",
    "../_base_/schedules/onecycle_cpu.py",
    "../_base_/default_runtime.py",
]
size = (96, 128)
decoder = dict(type="ConvUNetDecoder", in_channels=(64, 128, 256, 512), channels=(48, 64, 96))
model = dict(
    type="MultiTaskModel",
    data_preprocessor=dict(
        type="MultiTaskDataPreprocessor",
        bgr_to_rgb=True,
        pad_size_divisor=32,
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
    ),
    backbone=dict(type="ResNetV1c", depth=18, norm_cfg=dict(type="BN")),
    decoders=dict(semantic=decoder, depth=decoder),
    heads=dict(
        semantic=dict(type="SegmentationHead", in_channels=48, num_classes=14),
        depth=dict(type="DepthHead", in_channels=48, min_depth=0.5, max_depth=10.0),
    ),
    task_weights=dict(semantic=1.0, depth=3.0),
)
train_pipeline = [
    dict(type="LoadMultiTaskImage"),
    dict(type="LoadTargets"),
    dict(
        type="MultiTaskRandomResizedCrop",
        scale=size,
        crop_ratio_range=(0.4, 1.0),
        zoom_depth=True,
    ),
    dict(type="MultiTaskRandomFlip"),
    dict(
        type="MultiTaskColorJitter",
        brightness=0.3,
        contrast=0.3,
        saturation=0.3,
        hue=0.05,
    ),
    dict(type="PackMultiTask"),
]
test_pipeline = [
    _base_.test_pipeline[0],
    dict(type="MultiTaskResize", scale=size),
    *_base_.test_pipeline[2:],
]
train_dataloader = dict(batch_size=8, num_workers=1, dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(batch_size=8, num_workers=1, dataset=dict(pipeline=test_pipeline))
test_dataloader = val_dataloader
max_epochs = 30
param_scheduler = [dict(_base_.param_scheduler[0], eta_max=1e-3, total_steps=max_epochs)]
optim_wrapper = dict(optimizer=dict(lr=1e-3, betas=(0.9, 0.999)))
train_cfg = dict(max_epochs=max_epochs, val_interval=10)
