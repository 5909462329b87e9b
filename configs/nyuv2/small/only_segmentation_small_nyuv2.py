# Segmentation alone.
_base_ = "cond_attention_small_nyuv2.py"
experiment = dict(name="Only segmentation")
model = dict(tasks=("semantic",), backbone=dict(plan=None))
train_dataloader = dict(dataset=dict(tasks=("semantic",)))
val_dataloader = dict(dataset=dict(tasks=("semantic",)))
test_dataloader = val_dataloader
val_evaluator = [dict(type="MultiTaskIoUMetric", task="semantic")]
test_evaluator = val_evaluator
