# A Swin small enough to train on a CPU in minutes: semantic classes, depth and scene type.
norm = dict(mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375])
channels = (32, 64, 128, 256)
# convolutions learn from few images what a Swin decoder needs many for
decoder = dict(type="ConvUNetDecoder", in_channels=channels, channels=(32, 64, 128))

model = dict(
    type="MultiTaskModel",
    data_preprocessor=dict(
        type="MultiTaskDataPreprocessor", bgr_to_rgb=True, pad_size_divisor=32, **norm
    ),
    backbone=dict(
        type="CondSwinTransformer",
        embed_dims=32,
        depths=(2, 2, 4, 2),
        num_heads=(2, 4, 8, 16),
        window_size=4,  # divides the maps of a 64 x 96 image, but for the coarsest
        drop_path_rate=0.1,
    ),
    decoders=dict(semantic=decoder, depth=decoder),
    heads=dict(
        semantic=dict(type="SegmentationHead", in_channels=32, num_classes=14),
        depth=dict(type="DepthHead", in_channels=32, min_depth=0.5, max_depth=10.0),
        scene=dict(type="ClassificationHead", in_channels=256, num_classes=9),
    ),
    task_weights=dict(semantic=1.0, depth=4.0, scene=0.5),
    test_cfg=dict(mode="whole"),
)
