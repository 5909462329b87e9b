# Thesis, table 4.8: weights depth 1 to segmentation 10.
_base_ = "swin_cond_norm_scratch_nyuv2.py"
model = dict(task_weights=dict(semantic=10.0, depth=1.0))
experiment = dict(
    _delete_=True,
    name="Depth: 1 - Segmentation: 10",
    rows={"4.8": "Depth: 1 - Segmentation: 10"},
    published={"depth/d1": 0.78, "semantic/mIoU": 49.18},
)
