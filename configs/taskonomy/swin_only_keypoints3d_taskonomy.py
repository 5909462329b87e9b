# Taskonomy: 3D keypoints alone.
_base_ = "swin_baseline_dense_taskonomy.py"
tasks = ("keypoints3d",)
default_hooks = dict(checkpoint=dict(save_best="keypoints3d/mae", rule="less"))
