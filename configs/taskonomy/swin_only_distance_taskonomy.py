# Taskonomy: distance from the camera alone.
_base_ = "swin_baseline_dense_taskonomy.py"
tasks = ("distance",)
default_hooks = dict(checkpoint=dict(save_best="distance/rmse", rule="less"))
