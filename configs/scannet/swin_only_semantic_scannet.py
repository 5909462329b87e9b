# ScanNet: 20 classes alone.
_base_ = "swin_baseline_scannet.py"
tasks = ("semantic",)
default_hooks = dict(checkpoint=dict(save_best="semantic/mIoU", rule="greater"))
