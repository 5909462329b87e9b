# Thesis, table 4.8: weights depth 1 to segmentation 20.
_base_ = "swin_cond_norm_scratch_nyuv2.py"
model = dict(task_weights=dict(semantic=20.0, depth=1.0))
