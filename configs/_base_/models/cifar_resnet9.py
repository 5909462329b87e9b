# ResNet-9 of 2.0 M parameters and the heads of both tasks, from scratch, for a short training.
smooth = dict(type="mmpretrain.LabelSmoothLoss", label_smooth_val=0.1, mode="original")
head = dict(type="ClassificationHead", in_channels=256, loss=smooth)
model = dict(
    type="MultiTaskModel",
    data_preprocessor=dict(
        type="MultiTaskDataPreprocessor",
        bgr_to_rgb=True,
        # of CIFAR-10's training images
        mean=[125.3, 123.0, 113.9],
        std=[63.0, 62.1, 66.7],
        # half of the usual shift: ten epochs fit the images only just
        augmentation=[dict(type="BatchRandomShift", padding=2), dict(type="BatchRandomFlip")],
    ),
    # wide where maps are small
    backbone=dict(type="ResNet9", channels=(32, 64, 256, 256)),
    heads=dict(label=dict(**head, num_classes=10), superclass=dict(**head, num_classes=2)),
    # the super-class follows from the class
    task_weights=dict(label=0.8, superclass=0.2),
    test_cfg=dict(mode="whole"),
)
