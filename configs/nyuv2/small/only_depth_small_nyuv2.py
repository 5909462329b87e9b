# Depth alone.
_base_ = "cond_attention_small_nyuv2.py"
experiment = dict(name="Only depth")
model = dict(tasks=("depth",), backbone=dict(plan=None))
train_dataloader = dict(dataset=dict(tasks=("depth",)))
val_dataloader = dict(dataset=dict(tasks=("depth",)))
test_dataloader = val_dataloader
val_evaluator = [dict(type="MultiTaskDepthMetric", task="depth")]
test_evaluator = val_evaluator
