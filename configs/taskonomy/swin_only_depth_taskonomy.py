# Taskonomy: depth along the axis alone.
_base_ = "swin_baseline_dense_taskonomy.py"
tasks = ("depth",)
default_hooks = dict(checkpoint=dict(save_best="depth/rmse", rule="less"))
