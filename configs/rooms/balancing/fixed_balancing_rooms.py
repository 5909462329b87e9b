# Four tasks on rendered rooms, small enough to compare ways of balancing over seeds: here all
# losses count alike.
_base_ = "../swin_cond_4tasks_rooms.py"
model = dict(
    backbone=dict(plan=None, drop_path_rate=0.0),
    task_weights=dict(semantic=1.0, depth=1.0, scene=1.0, normals=1.0),
)
train_dataloader = dict(dataset=dict(length=2400))
max_epochs = 1
param_scheduler = [dict(_base_.param_scheduler[0], total_steps=max_epochs)]
train_cfg = dict(max_epochs=max_epochs)
experiment = dict(baselines={task: f"only_{task}_balancing_rooms" for task in _base_.tasks})
