# SUN RGB-D: 37 classes alone.
_base_ = "swin_baseline_sunrgbd.py"
tasks = ("semantic",)
default_hooks = dict(checkpoint=dict(save_best="semantic/mIoU", rule="greater"))
