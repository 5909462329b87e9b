# The thesis's best model (tables 4.9 to 4.12): conditional attention in all 24 blocks of Swin-S,
# plain LayerNorm, no adapters, task weights 5 (semantic) and 1 (depth).
_base_ = [
    "_base_/models/swin_unet.py",
    "_base_/datasets/nyuv2.py",
    "_base_/schedules/onecycle_1000e.py",
    "_base_/default_runtime.py",
]
model = dict(backbone=dict(plan=dict(attention="all")))
# decoded once, 2.7 GB that workers share; set it to False where that is too much
train_dataloader = dict(dataset=dict(resident=True))
default_hooks = dict(
    checkpoint=dict(interval=10, save_best="semantic/mIoU", rule="greater"),
)
