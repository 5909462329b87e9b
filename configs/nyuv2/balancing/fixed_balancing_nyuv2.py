# Three tasks on a pretrained encoder, small enough to compare ways of balancing over seeds: here
# all losses count alike.
_base_ = "../effnet_lite0_nyuv2_13.py"
size = (96, 128)
train_pipeline = [
    *_base_.train_pipeline[:2],
    dict(_base_.train_pipeline[2], scale=size),
    *_base_.train_pipeline[3:],
]
test_pipeline = [
    _base_.test_pipeline[0],
    dict(type="MultiTaskResize", scale=size),
    *_base_.test_pipeline[2:],
]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(batch_size=16, dataset=dict(pipeline=test_pipeline))
test_dataloader = val_dataloader
max_epochs = 4
param_scheduler = [dict(_base_.param_scheduler[0], total_steps=max_epochs)]
train_cfg = dict(max_epochs=max_epochs, val_interval=max_epochs)
model = dict(task_weights=dict(semantic=1.0, depth=1.0, normals=1.0))
experiment = dict(
    baselines=dict(
        semantic="only_semantic_balancing_nyuv2",
        depth="only_depth_balancing_nyuv2",
        normals="only_normals_balancing_nyuv2",
    )
)
