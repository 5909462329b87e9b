# The from-scratch protocol of the literature: 13 classes, background ignored, depth and normals,
# 288 x 384, 200 epochs, no pretrained weights. A ResNet-34 learns from 795 frames what a Swin
# cannot. Run tools/dataset_converters/nyuv2_normals.py on the data first.
_base_ = [
    "../_base_/datasets/nyuv2.py",
    "../_base_/models/resnet_conv_unet.py",
    "../_base_/schedules/onecycle_cpu.py",
    "../_base_/default_runtime.py",
]
tasks = ("semantic", "depth", "normals")
size = (288, 384)
decoder = dict(type="ConvUNetDecoder", in_channels=(64, 128, 256, 512), channels=(64, 96, 128))
model = dict(
    tasks=tasks,
    backbone=dict(depth=34, deep_stem=True, avg_down=True, init_cfg=None),
    decoders=dict(
        semantic=dict(_delete_=True, **decoder),
        depth=dict(_delete_=True, **decoder),
        normals=decoder,
    ),
    heads=dict(
        semantic=dict(in_channels=64, num_classes=13),
        depth=dict(in_channels=64),
        normals=dict(type="NormalsHead", in_channels=64),
    ),
    task_weights=dict(semantic=1.0, depth=3.0, normals=2.0),
)
train_pipeline = [
    dict(type="LoadMultiTaskImage"),
    dict(type="LoadTargets"),
    # enlarged pictures show nearer things: zoom_depth keeps depth true
    dict(
        type="MultiTaskRandomResizedCrop",
        scale=size,
        crop_ratio_range=(0.4, 1.0),
        zoom_depth=True,
    ),
    dict(type="MultiTaskRandomFlip"),
    dict(type="MultiTaskColorJitter", brightness=0.3, contrast=0.3, saturation=0.3, hue=0.05),
    dict(type="PackMultiTask"),
]
test_pipeline = [
    dict(type="LoadMultiTaskImage"),
    dict(type="MultiTaskResize", scale=size),
    dict(type="LoadTargets"),
    dict(type="PackMultiTask"),
]
data = dict(num_classes=13, tasks=tasks)
train_dataloader = dict(batch_size=8, dataset=dict(pipeline=train_pipeline, **data))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline, **data))
test_dataloader = val_dataloader
val_evaluator = [*_base_.val_evaluator, dict(type="MultiTaskNormalsMetric", task="normals")]
test_evaluator = val_evaluator
max_epochs = 200
optim_wrapper = dict(optimizer=dict(lr=1e-3, betas=(0.9, 0.999)))
param_scheduler = [
    dict(
        type="OneCycleLR",
        eta_max=1e-3,
        pct_start=0.1,
        total_steps=max_epochs,
        by_epoch=True,
        convert_to_iter_based=True,
    )
]
train_cfg = dict(max_epochs=max_epochs, val_interval=10)
default_hooks = dict(checkpoint=dict(interval=10, save_best="semantic/mIoU", rule="greater"))
