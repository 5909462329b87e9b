# Surface normals beside segmentation and depth; run nyuv2_normals.py on the data first.
_base_ = "../swin_cond_nyuv2.py"
tasks = ("semantic", "depth", "normals")
model = dict(
    decoders=dict(normals=_base_.decoder),
    heads=dict(normals=dict(type="NormalsHead", in_channels=96)),
    task_weights=dict(normals=5.0),  # 1 - cos of the angle, at most 2, in most places below 0.3
)
