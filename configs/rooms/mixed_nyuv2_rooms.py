# Depth from NYUv2 and from rooms, classes from NYUv2 alone; three frames to a room.
_base_ = [
    "../_base_/models/swin_conv_tiny.py",
    "../_base_/datasets/mixed_nyuv2_rooms.py",
    "../_base_/schedules/onecycle_cpu.py",
    "../_base_/default_runtime.py",
]
model = dict(backbone=dict(plan=dict(attention=(0, 0, 4, 2))))
