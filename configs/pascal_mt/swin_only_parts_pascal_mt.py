# PASCAL-MT, human parts alone.
_base_ = "swin_baseline_pascal_mt.py"
tasks = ("parts",)
default_hooks = dict(checkpoint=dict(save_best="parts/mIoU", rule="greater"))
