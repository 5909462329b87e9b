# A Swin small enough to train on a CPU in minutes: semantic classes, depth and scene type.
norm = dict(mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375])
channels = (32, 64, 128, 256)
# windows of 4 tokens divide the maps of a 96 x 128 picture
decoder = dict(
    type="SwinUNetDecoder", in_channels=channels, num_heads=(2, 4, 8), window_size=4, mlp_ratio=2
)

model = dict(
    type="MultiTaskSegmentor",
    data_preprocessor=dict(
        type="MultiTaskDataPreprocessor", bgr_to_rgb=True, pad_size_divisor=32, **norm
    ),
    backbone=dict(
        type="CondSwinTransformer",
        embed_dims=32,
        depths=(2, 2, 4, 2),
        num_heads=(2, 4, 8, 16),
        window_size=4,
        drop_path_rate=0.1,
    ),
    decoders=dict(semantic=decoder, depth=decoder),
    heads=dict(
        semantic=dict(type="SegmentationHead", in_channels=32, num_classes=14),
        depth=dict(type="DepthHead", in_channels=32, min_depth=0.5, max_depth=10.0),
        scene=dict(type="ClassificationHead", in_channels=256, num_classes=9),
    ),
    task_weights=dict(semantic=1.0, depth=1.0, scene=0.2),
    test_cfg=dict(mode="whole"),
)
