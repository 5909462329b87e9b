# Thesis, table 4.3: depth alone.
_base_ = "../swin_cond_nyuv2.py"
model = dict(tasks=("depth",), backbone=dict(plan=None))
train_dataloader = dict(dataset=dict(tasks=("depth",)))
val_dataloader = dict(dataset=dict(tasks=("depth",)))
test_dataloader = val_dataloader
val_evaluator = [dict(type="MultiTaskDepthMetric", task="depth")]
test_evaluator = val_evaluator
default_hooks = dict(checkpoint=dict(save_best="depth/d1"))
experiment = dict(
    _delete_=True,
    name="Only Depth",
    rows={"4.4": "Only Depth"},
    published={"depth/d1": 0.7586},
)
