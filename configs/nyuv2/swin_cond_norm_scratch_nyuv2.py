# Thesis, tables 4.5 to 4.9: LayerNorm conditioned too, its gain and bias started anew.
_base_ = "../swin_cond_nyuv2.py"
model = dict(backbone=dict(plan=dict(norm="all", norm_from_scratch=True)))
