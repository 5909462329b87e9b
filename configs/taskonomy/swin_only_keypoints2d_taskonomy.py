# Taskonomy: 2D keypoints alone.
_base_ = "swin_baseline_dense_taskonomy.py"
tasks = ("keypoints2d",)
default_hooks = dict(checkpoint=dict(save_best="keypoints2d/mae", rule="less"))
