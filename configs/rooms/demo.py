# `make demo`: classes and depth, five minutes on two cores. Scene types take longer to learn.
_base_ = "swin_cond_rooms.py"
tasks = ("semantic", "depth")
model = dict(tasks=tasks, task_weights=dict(depth=10.0))
train_dataloader = dict(dataset=dict(tasks=tasks))
val_dataloader = dict(dataset=dict(tasks=tasks))
test_dataloader = val_dataloader
val_evaluator = [
    dict(type="MultiTaskIoUMetric", task="semantic"),
    dict(type="MultiTaskDepthMetric", task="depth"),
]
test_evaluator = val_evaluator
