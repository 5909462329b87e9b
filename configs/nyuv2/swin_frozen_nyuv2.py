# Thesis, table 4.5: adapters, LayerNorm and attention in the last 8 blocks of a frozen encoder.
_base_ = "../swin_cond_nyuv2.py"
last_8 = (0, 0, 6, 2)
plan = dict(attention=last_8, norm=last_8, adapter=last_8, frozen=True, norm_from_scratch=True)
model = dict(backbone=dict(plan=plan))
