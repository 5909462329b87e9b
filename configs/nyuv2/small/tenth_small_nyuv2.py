# The baseline with a tenth of the labels, every tenth training frame, for as many steps: what a
# helper task has to beat.
_base_ = [
    "../../_base_/models/swin_conv_tiny.py",
    "../../_base_/datasets/nyuv2_small.py",
    "../../_base_/schedules/onecycle_80e.py",
    "../../_base_/default_runtime.py",
]
model = dict(
    backbone=dict(depths=(2, 2, 6, 2), drop_path_rate=0.0),
    task_weights=dict(semantic=1.0, depth=4.0),
)
train_dataloader = dict(dataset=dict(indices=list(range(0, 795, 10))))
