# Taskonomy's twelve dense tasks, conditional attention in all blocks of Swin-S.
_base_ = [
    "../_base_/models/swin_unet_taskonomy.py",
    "../_base_/datasets/taskonomy_dense.py",
    "../_base_/schedules/onecycle_10e.py",
    "../_base_/default_runtime.py",
]
model = dict(backbone=dict(plan=dict(attention="all")))
default_hooks = dict(checkpoint=dict(save_best="semantic/mIoU", rule="greater"))
