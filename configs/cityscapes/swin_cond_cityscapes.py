# Cityscapes: 19 classes and depth from disparity, conditional attention in all blocks of Swin-S.
_base_ = [
    "../_base_/models/swin_unet.py",
    "../_base_/datasets/cityscapes.py",
    "../_base_/schedules/onecycle_200e.py",
    "../_base_/default_runtime.py",
]
model = dict(
    backbone=dict(plan=dict(attention="all")),
    heads=dict(semantic=dict(num_classes=19), depth=dict(min_depth=2.0, max_depth=80.0)),
)
default_hooks = dict(checkpoint=dict(save_best="semantic/mIoU", rule="greater"))
