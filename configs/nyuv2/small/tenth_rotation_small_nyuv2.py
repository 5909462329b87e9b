# A tenth of the labels, and a helper task that needs none on all training frames: how far has the
# image been rotated?
_base_ = [
    "../../_base_/models/swin_conv_tiny.py",
    "../../_base_/datasets/nyuv2_tenth_rotation.py",
    "../../_base_/schedules/onecycle_80e.py",
    "../../_base_/default_runtime.py",
]
tasks = ("semantic", "depth", "rotation")
model = dict(
    backbone=dict(depths=(2, 2, 6, 2), drop_path_rate=0.0),
    heads=dict(rotation=dict(type="ClassificationHead", in_channels=256, num_classes=4)),
    task_weights=dict(semantic=1.0, depth=4.0, rotation=0.5),
)
