# Conditional FiLM and adapters, the encoder frozen.
_base_ = "adapter_pretrained_nyuv2.py"
model = dict(backbone=dict(plan=dict(frozen=True)))
