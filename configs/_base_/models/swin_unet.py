# Swin-S, shared by semantic segmentation and depth, each with a Swin U-Net decoder.
norm = dict(mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375])
channels = (96, 192, 384, 768)
checkpoint = "https://download.openmmlab.com/mmsegmentation/v0.5/pretrain/swin/swin_small_patch4_window7_224_20220317-7ba8d6dd.pth"
decoder = dict(type="SwinUNetDecoder", in_channels=channels, num_heads=(3, 6, 12))

model = dict(
    type="MultiTaskModel",
    data_preprocessor=dict(
        type="MultiTaskDataPreprocessor", bgr_to_rgb=True, pad_size_divisor=32, **norm
    ),
    backbone=dict(
        type="CondSwinTransformer",
        embed_dims=96,
        depths=(2, 2, 18, 2),
        num_heads=(3, 6, 12, 24),
        window_size=7,
        drop_path_rate=0.3,
        init_cfg=dict(type="Pretrained", checkpoint=checkpoint),
    ),
    decoders=dict(semantic=decoder, depth=decoder),
    heads=dict(
        semantic=dict(type="SegmentationHead", in_channels=96, num_classes=14),
        # 1/min_depth bounds the reciprocal; NYUv2's camera sees 0.7 to 10 m
        depth=dict(type="DepthHead", in_channels=96, min_depth=0.5, max_depth=10.0),
    ),
    task_weights=dict(semantic=5.0, depth=1.0),
    test_cfg=dict(mode="whole"),
)
