# Ours, beside the thesis's table 4.9: conditioned LayerNorm that starts as the pretrained one.
_base_ = "../swin_cond_nyuv2.py"
model = dict(backbone=dict(plan=dict(norm="all")))
