# The demo: a small Swin conditioned on three tasks, trained on rendered rooms.
_base_ = [
    "../_base_/models/swin_conv_tiny.py",
    "../_base_/datasets/rooms.py",
    "../_base_/schedules/onecycle_cpu.py",
    "../_base_/default_runtime.py",
]
model = dict(backbone=dict(plan=dict(attention=(0, 0, 4, 2))))
