# Taskonomy: shading under new light alone.
_base_ = "swin_baseline_dense_taskonomy.py"
tasks = ("shading",)
default_hooks = dict(checkpoint=dict(save_best="shading/mae", rule="less"))
