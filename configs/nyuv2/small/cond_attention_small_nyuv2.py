# The comparison of the thesis at a size that a CPU trains in minutes, from scratch: a small Swin,
# conditional attention in all blocks, 64 x 96 images, 800 steps. Its siblings change one thing.
_base_ = [
    "../../_base_/models/swin_conv_tiny.py",
    "../../_base_/datasets/nyuv2_small.py",
    "../../_base_/schedules/onecycle_8e.py",
    "../../_base_/default_runtime.py",
]
model = dict(
    backbone=dict(depths=(2, 2, 6, 2), drop_path_rate=0.0, plan=dict(attention="all")),
    task_weights=dict(semantic=1.0, depth=4.0),
)
