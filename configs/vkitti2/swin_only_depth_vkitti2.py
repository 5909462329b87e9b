# Virtual KITTI 2: depth alone.
_base_ = "swin_baseline_vkitti2.py"
tasks = ("depth",)
default_hooks = dict(checkpoint=dict(save_best="depth/rmse", rule="less"))
