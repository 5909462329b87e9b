# PASCAL-MT, saliency alone.
_base_ = "swin_baseline_pascal_mt.py"
tasks = ("saliency",)
default_hooks = dict(checkpoint=dict(save_best="saliency/maxF", rule="greater"))
