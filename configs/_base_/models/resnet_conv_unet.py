# ResNet-50, shared by semantic segmentation and depth, each with a convolutional U-Net decoder.
norm = dict(mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375])
decoder = dict(type="ConvUNetDecoder", in_channels=(256, 512, 1024, 2048), channels=(96, 192, 384))

model = dict(
    type="MultiTaskModel",
    data_preprocessor=dict(
        type="MultiTaskDataPreprocessor", bgr_to_rgb=True, pad_size_divisor=32, **norm
    ),
    backbone=dict(
        type="CondResNet",
        depth=50,
        # trained on ImageNet-1k at 224
        init_cfg=dict(type="Pretrained", checkpoint="torchvision://resnet50"),
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
