# KITTI's depth benchmark, scored on its 1,000 selected validation images.
_base_ = [
    "../_base_/models/swin_unet.py",
    "../_base_/datasets/kitti_selection.py",
    "../_base_/schedules/onecycle_10e.py",
    "../_base_/default_runtime.py",
]
model = dict(heads=dict(depth=dict(min_depth=2.0, max_depth=80.0)))
default_hooks = dict(checkpoint=dict(save_best="depth/rmse", rule="less"))
