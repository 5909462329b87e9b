# Taskonomy: boundaries of unsupervised 2D segments alone.
_base_ = "swin_baseline_dense_taskonomy.py"
tasks = ("segments2d",)
default_hooks = dict(checkpoint=dict(save_best="segments2d/odsF", rule="greater"))
