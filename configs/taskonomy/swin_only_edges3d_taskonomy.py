# Taskonomy: occlusion edges alone.
_base_ = "swin_baseline_dense_taskonomy.py"
tasks = ("edges3d",)
default_hooks = dict(checkpoint=dict(save_best="edges3d/mae", rule="less"))
