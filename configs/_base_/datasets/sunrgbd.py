# SUN RGB-D (Song et al. 2015) as it is downloaded: SUNRGBD/ with images and depth_bfx, depth of 16
# bits rotated by 3, in millimetres. Run tools/dataset_converters/sunrgbd.py on it first: it writes
# the labels of the 37 classes (0: none) and the official split.
_base_ = "hypersim.py"
dataset_type = "MultiTaskDataset"
data_root = "data/sunrgbd"
tasks = ("semantic", "depth")
dataset = dict(
    _delete_=True,
    type=dataset_type,
    data_root=data_root,
    image=dict(folder="", suffix=".jpg"),
    targets=dict(
        semantic=dict(
            type="LabelMap",
            classes=_base_.val_dataloader.dataset.targets.semantic.classes[:37],
            suffix="label37.png",
            reduce_zero_label=True,
        ),
        depth=dict(type="DepthMap", unit=0.001, rotated_bits=3),
    ),
)
train_dataloader = dict(
    dataset=dict(**dataset, ann_file="train.csv", pipeline=_base_.train_pipeline),
)
val_dataloader = dict(
    dataset=dict(**dataset, ann_file="test.csv", pipeline=_base_.test_pipeline, test_mode=True),
)
test_dataloader = val_dataloader
val_evaluator = [
    dict(type="MultiTaskIoUMetric", task="semantic"),
    dict(type="MultiTaskDepthMetric", task="depth", max_depth=10.0),
]
test_evaluator = val_evaluator
