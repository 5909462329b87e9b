# The demo's three tasks and surface normals, which rooms know exactly.
_base_ = "swin_cond_rooms.py"
tasks = ("semantic", "depth", "normals", "scene")
model = dict(
    decoders=dict(normals=_base_.decoder),
    heads=dict(normals=dict(type="NormalsHead", in_channels=32)),
    task_weights=dict(normals=2.0),
)
train_dataloader = dict(dataset=dict(tasks=tasks))
val_dataloader = dict(dataset=dict(tasks=tasks))
test_dataloader = val_dataloader
val_evaluator = [*_base_.val_evaluator, dict(type="MultiTaskNormalsMetric", task="normals")]
test_evaluator = val_evaluator
