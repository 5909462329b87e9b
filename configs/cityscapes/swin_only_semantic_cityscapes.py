# Cityscapes: 19 classes alone.
_base_ = "swin_baseline_cityscapes.py"
tasks = ("semantic",)
default_hooks = dict(checkpoint=dict(save_best="semantic/mIoU", rule="greater"))
