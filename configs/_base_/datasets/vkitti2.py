# Virtual KITTI 2 (Cabon et al. 2020, arXiv:2001.10773), all archives unpacked into one folder:
# SceneNN/VARIATION/frames/{rgb,depth,classSegmentation,forwardFlow}/Camera_N/. There is no official
# split: splits/train.txt lists Scene01, Scene02, Scene06 and Scene18, splits/val.txt Scene20.
_base_ = "nyuv2.py"
dataset_type = "MultiTaskDataset"
data_root = "data/vkitti2"
tasks = ("semantic", "depth", "flow")
palette = {
    "terrain": (210, 0, 200), "sky": (90, 200, 255), "tree": (0, 199, 0),
    "vegetation": (90, 240, 0), "building": (140, 140, 140), "road": (100, 60, 100),
    "guard rail": (250, 100, 255), "traffic sign": (255, 255, 0), "traffic light": (200, 200, 0),
    "pole": (255, 130, 0), "misc": (80, 80, 80), "truck": (160, 60, 60), "car": (255, 127, 80),
    "van": (0, 139, 139),
}  # fmt: skip
size = (352, 1216)

train_pipeline = [
    *_base_.train_pipeline[:2],
    dict(type="MultiTaskRandomResizedCrop", scale=size, crop_ratio_range=(0.5, 1.0)),
    *_base_.train_pipeline[3:],
]
test_pipeline = [
    _base_.test_pipeline[0],
    dict(type="MultiTaskResize", scale=size),
    *_base_.test_pipeline[2:],
]
dataset = dict(
    _delete_=True,
    type=dataset_type,
    data_root=data_root,
    image=dict(folder="", suffix=".jpg"),
    renames=dict(
        semantic={"/rgb/": "/classSegmentation/", "/rgb_": "/classgt_"},
        depth={"/rgb/": "/depth/", "/rgb_": "/depth_"},
        flow={"/rgb/": "/forwardFlow/", "/rgb_": "/flow_"},
    ),
    targets=dict(
        semantic=dict(
            type="LabelMap",
            classes=list(palette),
            palette=list(palette.values()),
            ignore_colours=[(0, 0, 0)],
        ),
        depth=dict(type="DepthMap", unit=0.01, missing=65535),  # centimetres; the sky is farther
        # shares of the width - 1 and the height - 1 of 1242 x 375, from -1 to 1; blue 0: none
        flow=dict(
            type="FlowMap",
            suffix=".png",
            factor=(2 * 1241 / 65535, 2 * 374 / 65535),
            offset=(-1241, -374),
            valid_channel=2,
        ),
    ),
)
train_dataloader = dict(
    batch_size=4,
    dataset=dict(**dataset, ann_file="splits/train.txt", pipeline=train_pipeline),
)
val_dataloader = dict(
    dataset=dict(**dataset, ann_file="splits/val.txt", pipeline=test_pipeline, test_mode=True),
)
test_dataloader = val_dataloader
val_evaluator = [
    dict(type="MultiTaskIoUMetric", task="semantic"),
    dict(type="MultiTaskDepthMetric", task="depth", max_depth=80.0),
    dict(type="MultiTaskValuesMetric", task="flow"),
]
test_evaluator = val_evaluator
