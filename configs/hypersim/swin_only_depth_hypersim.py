# Hypersim: depth alone.
_base_ = "swin_baseline_hypersim.py"
tasks = ("depth",)
default_hooks = dict(checkpoint=dict(save_best="depth/rmse", rule="less"))
