# The demo's three tasks and surface normals, which rooms know exactly.
_base_ = "swin_cond_rooms.py"
tasks = ("semantic", "depth", "scene", "normals")
model = dict(
    decoders=dict(normals=_base_.decoder),
    heads=dict(normals=dict(type="NormalsHead", in_channels=32)),
    task_weights=dict(normals=2.0),
)
