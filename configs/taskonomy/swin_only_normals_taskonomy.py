# Taskonomy: surface normals alone.
_base_ = "swin_baseline_dense_taskonomy.py"
tasks = ("normals",)
default_hooks = dict(checkpoint=dict(save_best="normals/mean", rule="less"))
