# Hypersim: 40 classes alone.
_base_ = "swin_baseline_hypersim.py"
tasks = ("semantic",)
default_hooks = dict(checkpoint=dict(save_best="semantic/mIoU", rule="greater"))
