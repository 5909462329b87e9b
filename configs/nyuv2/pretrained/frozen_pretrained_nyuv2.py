# The encoder frozen as it is: decoders alone are trained.
_base_ = "baseline_pretrained_nyuv2.py"
model = dict(backbone=dict(plan=dict(frozen=True)))
