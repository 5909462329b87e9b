# Thesis, table 4.11: conditional attention in the third stage alone.
_base_ = "../swin_cond_nyuv2.py"
model = dict(backbone=dict(plan=dict(attention=(0, 0, 18, 0))))
experiment = dict(
    _delete_=True,
    name="Less Conditioned",
    rows={"4.12": "Less Conditioned"},
    published={"depth/d1": 0.7809, "semantic/mIoU": 49.44},
)
