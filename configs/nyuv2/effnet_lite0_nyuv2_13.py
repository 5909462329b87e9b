# 13 classes with background ignored, depth and normals at 288 x 384, from ImageNet weights. Run
# tools/dataset_converters/nyuv2_normals.py on the data first.
_base_ = "effnet_lite0_nyuv2.py"
tasks = ("semantic", "depth", "normals")
size = (288, 384)
decoder = dict(type="ConvUNetDecoder", in_channels=(24, 40, 112, 320), channels=(48, 64, 96))
model = dict(
    decoders=dict(normals=decoder),
    heads=dict(
        semantic=dict(num_classes=13, loss=dict(class_weight=_base_.class_weight[1:])),
        normals=dict(type="NormalsHead", in_channels=48),
    ),
    task_weights=dict(normals=2.0),
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
train_dataloader = dict(dataset=dict(pipeline=train_pipeline, num_classes=13))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline, num_classes=13))
test_dataloader = val_dataloader
