# Virtual KITTI 2: 14 classes, depth and optical flow, conditional attention in all blocks.
_base_ = [
    "../_base_/models/swin_unet.py",
    "../_base_/datasets/vkitti2.py",
    "../_base_/schedules/onecycle_10e.py",
    "../_base_/default_runtime.py",
]
model = dict(
    backbone=dict(plan=dict(attention="all")),
    decoders=dict(flow=_base_.decoder),
    heads=dict(
        semantic=dict(num_classes=14),
        depth=dict(min_depth=2.0, max_depth=80.0),
        flow=dict(type="FlowHead", in_channels=96, num_values=2, std=20.0),
    ),
    task_weights=dict(semantic=5.0, depth=1.0, flow=1.0),
)
default_hooks = dict(checkpoint=dict(save_best="semantic/mIoU", rule="greater"))
