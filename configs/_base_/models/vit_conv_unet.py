# ViT-B/16, shared by semantic segmentation and depth, each with a convolutional U-Net decoder.
norm = dict(mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375])
channels = (384, 384, 384, 384)
# trained on ImageNet-1k at 224; its keys start with "backbone."
checkpoint = "https://download.openmmlab.com/mmclassification/v0/vit/vit-base-p16_pt-32xb128-mae_in1k_20220623-4c544545.pth"
decoder = dict(type="ConvUNetDecoder", in_channels=channels, channels=(96, 192, 384))

model = dict(
    type="MultiTaskModel",
    data_preprocessor=dict(
        type="MultiTaskDataPreprocessor", bgr_to_rgb=True, pad_size_divisor=32, **norm
    ),
    backbone=dict(
        type="CondVisionTransformer",
        arch="base",
        img_size=224,
        patch_size=16,
        out_indices=(2, 5, 8, 11),
        out_type="featmap",
        drop_path_rate=0.1,
        init_cfg=dict(type="Pretrained", checkpoint=checkpoint),
    ),
    # maps of one resolution, H/16, become those of H/4 to H/32
    neck=dict(
        type="MultiLevelNeck",
        in_channels=[768, 768, 768, 768],
        out_channels=384,
        scales=[4, 2, 1, 0.5],
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
