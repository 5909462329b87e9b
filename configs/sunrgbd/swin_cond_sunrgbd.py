# SUN RGB-D: 37 classes and depth, conditional attention in all blocks of Swin-S.
_base_ = [
    "../_base_/models/swin_unet.py",
    "../_base_/datasets/sunrgbd.py",
    "../_base_/schedules/onecycle_80e.py",
    "../_base_/default_runtime.py",
]
model = dict(
    backbone=dict(plan=dict(attention="all")),
    heads=dict(semantic=dict(num_classes=37), depth=dict(min_depth=0.25, max_depth=10.0)),
)
default_hooks = dict(checkpoint=dict(save_best="semantic/mIoU", rule="greater"))
