# SUN RGB-D: depth alone.
_base_ = "swin_baseline_sunrgbd.py"
tasks = ("depth",)
default_hooks = dict(checkpoint=dict(save_best="depth/rmse", rule="less"))
