# Hypersim: 40 classes, depth and normals, conditional attention in all blocks of Swin-S.
_base_ = [
    "../_base_/models/swin_unet.py",
    "../_base_/datasets/hypersim.py",
    "../_base_/schedules/onecycle_10e.py",
    "../_base_/default_runtime.py",
]
model = dict(
    backbone=dict(plan=dict(attention="all")),
    decoders=dict(normals=_base_.decoder),
    heads=dict(
        semantic=dict(num_classes=40),
        depth=dict(min_depth=0.25, max_depth=20.0),
        normals=dict(type="NormalsHead", in_channels=96),
    ),
    task_weights=dict(semantic=1.0, depth=1.0, normals=10.0),
)
default_hooks = dict(checkpoint=dict(save_best="semantic/mIoU", rule="greater"))
