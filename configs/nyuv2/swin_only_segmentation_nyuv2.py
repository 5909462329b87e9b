# Thesis, table 4.3: segmentation alone.
_base_ = "../swin_cond_nyuv2.py"
model = dict(tasks=("semantic",), backbone=dict(plan=None))
train_dataloader = dict(dataset=dict(tasks=("semantic",)))
val_dataloader = dict(dataset=dict(tasks=("semantic",)))
test_dataloader = val_dataloader
val_evaluator = [dict(type="MultiTaskIoUMetric", task="semantic")]
test_evaluator = val_evaluator
experiment = dict(
    _delete_=True,
    name="Only Segmentation",
    rows={"4.4": "Only Segmentation"},
    published={"semantic/mIoU": 49.04},
    sizes=dict(row="Single Task", trainable=57e6, flops_per_task=23.7e9),
)
