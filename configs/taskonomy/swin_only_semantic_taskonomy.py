# Taskonomy: 18 labels alone.
_base_ = "swin_baseline_dense_taskonomy.py"
tasks = ("semantic",)
default_hooks = dict(checkpoint=dict(save_best="semantic/mIoU", rule="greater"))
