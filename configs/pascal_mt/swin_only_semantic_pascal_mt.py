# PASCAL-MT, 21 classes alone.
_base_ = "swin_baseline_pascal_mt.py"
tasks = ("semantic",)
default_hooks = dict(checkpoint=dict(save_best="semantic/mIoU", rule="greater"))
