# Taskonomy: texture edges alone.
_base_ = "swin_baseline_dense_taskonomy.py"
tasks = ("edges2d",)
default_hooks = dict(checkpoint=dict(save_best="edges2d/mae", rule="less"))
