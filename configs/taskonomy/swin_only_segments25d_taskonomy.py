# Taskonomy: boundaries of unsupervised 2.5D segments alone.
_base_ = "swin_baseline_dense_taskonomy.py"
tasks = ("segments25d",)
default_hooks = dict(checkpoint=dict(save_best="segments25d/odsF", rule="greater"))
