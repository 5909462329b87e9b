# Thesis, table 4.8: weights depth 1 to segmentation 20.
_base_ = "swin_cond_norm_scratch_nyuv2.py"
model = dict(task_weights=dict(semantic=20.0, depth=1.0))
experiment = dict(
    _delete_=True,
    name="Depth: 1 - Segmentation: 20",
    rows={"4.8": "Depth: 1 - Segmentation: 20"},
    published={"depth/d1": 0.7765, "semantic/mIoU": 49.09},
)
