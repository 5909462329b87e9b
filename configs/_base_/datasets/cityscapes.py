# Cityscapes as it is downloaded (leftImg8bit_trainvaltest.zip, gtFine_trainvaltest.zip and
# disparity_trainvaltest.zip, unpacked into one folder): the 19 classes of the benchmark, and depth
# from the disparity p of 16 bits: 0.209313 m * 2262.52 px / (p / 256), 0 = missing. The official
# disparity is (p - 1) / 256, less by 1/256 px; the camera files' baseline and focal length differ
# from these by some percent in a few recordings.
_base_ = "nyuv2.py"
dataset_type = "MultiTaskDataset"
data_root = "data/cityscapes"
tasks = ("semantic", "depth")
values = {
    7: "road", 8: "sidewalk", 11: "building", 12: "wall", 13: "fence", 17: "pole",
    19: "traffic light", 20: "traffic sign", 21: "vegetation", 22: "terrain", 23: "sky",
    24: "person", 25: "rider", 26: "car", 27: "truck", 28: "bus", 31: "train",
    32: "motorcycle", 33: "bicycle",
}  # fmt: skip
palette = [
    [128, 64, 128], [244, 35, 232], [70, 70, 70], [102, 102, 156], [190, 153, 153],
    [153, 153, 153], [250, 170, 30], [220, 220, 0], [107, 142, 35], [152, 251, 152],
    [70, 130, 180], [220, 20, 60], [255, 0, 0], [0, 0, 142], [0, 0, 70], [0, 60, 100],
    [0, 80, 100], [0, 0, 230], [119, 11, 32],
]  # fmt: skip
semantic = dict(
    type="LabelMap",
    classes=list(values.values()),
    palette=palette,
    values=values,
    unlisted="ignore",
    suffix="_gtFine_labelIds.png",
)
depth = dict(
    type="DepthMap",
    suffix="_disparity.png",
    encoding="inverse",
    unit=1 / 256,
    scale=0.209313 * 2262.52,
)

train_pipeline = [
    *_base_.train_pipeline[:2],
    dict(type="MultiTaskRandomResizedCrop", scale=(512, 1024), crop_ratio_range=(0.25, 1.0)),
    *_base_.train_pipeline[3:],
]
test_pipeline = [
    _base_.test_pipeline[0],
    dict(type="MultiTaskResize", scale=(512, 1024)),
    *_base_.test_pipeline[2:],
]
common = dict(_delete_=True, type=dataset_type, data_root=data_root)
image = dict(suffix="_leftImg8bit.png")
train_dataloader = dict(
    batch_size=4,
    dataset=dict(
        **common,
        image=dict(**image, folder="leftImg8bit/train"),
        targets=dict(
            semantic=dict(**semantic, folder="gtFine/train"),
            depth=dict(**depth, folder="disparity/train"),
        ),
        pipeline=train_pipeline,
    ),
)
val_dataloader = dict(
    dataset=dict(
        **common,
        image=dict(**image, folder="leftImg8bit/val"),
        targets=dict(
            semantic=dict(**semantic, folder="gtFine/val"),
            depth=dict(**depth, folder="disparity/val"),
        ),
        pipeline=test_pipeline,
        test_mode=True,
    ),
)
test_dataloader = val_dataloader
val_evaluator = [
    dict(type="MultiTaskIoUMetric", task="semantic"),
    dict(type="MultiTaskDepthMetric", task="depth", max_depth=80.0),
]
test_evaluator = val_evaluator
