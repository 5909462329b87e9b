# Taskonomy: principal curvatures alone.
_base_ = "swin_baseline_dense_taskonomy.py"
tasks = ("curvature",)
default_hooks = dict(checkpoint=dict(save_best="curvature/mae", rule="less"))
