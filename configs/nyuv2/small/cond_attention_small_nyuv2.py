# The comparison of the thesis at a size that a CPU trains in minutes, from scratch: a small Swin,
# conditional attention in all blocks, 64 x 96 pictures, 800 steps. Its siblings change one thing.
_base_ = [
    "../../_base_/models/swin_conv_tiny.py",
    "../../_base_/datasets/nyuv2.py",
    "../../_base_/schedules/onecycle_cpu.py",
    "../../_base_/default_runtime.py",
]
experiment = dict(name="Conditional attention, all")
size = (64, 96)
model = dict(
    tasks=("semantic", "depth"),
    backbone=dict(depths=(2, 2, 6, 2), drop_path_rate=0.0, plan=dict(attention="all")),
    task_weights=dict(semantic=1.0, depth=4.0),
)
train_pipeline = [
    dict(type="LoadMultiTaskImage"),
    dict(type="LoadTargets"),
    dict(type="MultiTaskResize", scale=size),
    dict(type="MultiTaskRandomFlip"),
    dict(type="MultiTaskColorJitter", brightness=0.2, contrast=0.2, saturation=0.2, hue=0.05),
    dict(type="PackMultiTask"),
]
test_pipeline = [
    dict(type="LoadMultiTaskImage"),
    dict(type="MultiTaskResize", scale=size),
    dict(type="LoadTargets"),
    dict(type="PackMultiTask"),
]
train_dataloader = dict(batch_size=8, num_workers=1, dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(batch_size=16, num_workers=1, dataset=dict(pipeline=test_pipeline))
test_dataloader = val_dataloader
max_epochs = 8
param_scheduler = [
    dict(
        type="OneCycleLR",
        eta_max=2e-3,
        pct_start=0.2,
        total_steps=max_epochs,
        by_epoch=True,
        convert_to_iter_based=True,
    )
]
optim_wrapper = dict(optimizer=dict(lr=2e-3))
train_cfg = dict(max_epochs=max_epochs, val_interval=max_epochs)
default_hooks = dict(checkpoint=dict(interval=max_epochs))
