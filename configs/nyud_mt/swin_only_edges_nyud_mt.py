# NYUD-MT, edges alone.
_base_ = "swin_baseline_nyud_mt.py"
tasks = ("edges",)
default_hooks = dict(checkpoint=dict(save_best="edges/odsF", rule="greater"))
