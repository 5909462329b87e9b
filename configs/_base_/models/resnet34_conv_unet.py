# ResNet-34 from scratch, shared by segmentation, depth and normals, with convolutional decoders.
norm = dict(mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375])
decoder = dict(type="ConvUNetDecoder", in_channels=(64, 128, 256, 512), channels=(64, 96, 128))

model = dict(
    type="MultiTaskModel",
    data_preprocessor=dict(
        type="MultiTaskDataPreprocessor", bgr_to_rgb=True, pad_size_divisor=32, **norm
    ),
    backbone=dict(type="CondResNet", depth=34, deep_stem=True, avg_down=True),
    decoders=dict(semantic=decoder, depth=decoder, normals=decoder),
    heads=dict(
        semantic=dict(type="SegmentationHead", in_channels=64, num_classes=13),
        depth=dict(type="DepthHead", in_channels=64, min_depth=0.5, max_depth=10.0),
        normals=dict(type="NormalsHead", in_channels=64),
    ),
    task_weights=dict(semantic=1.0, depth=3.0, normals=2.0),
)
