# Cityscapes at 128 x 256: seven categories and depth, conditional attention in all blocks.
_base_ = [
    "../_base_/models/swin_unet.py",
    "../_base_/datasets/cityscapes_7.py",
    "../_base_/schedules/onecycle_200e.py",
    "../_base_/default_runtime.py",
]
model = dict(
    backbone=dict(plan=dict(attention="all")),
    heads=dict(semantic=dict(num_classes=7), depth=dict(min_depth=2.0, max_depth=80.0)),
)
default_hooks = dict(checkpoint=dict(save_best="semantic/mIoU", rule="greater"))
