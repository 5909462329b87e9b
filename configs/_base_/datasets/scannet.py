# ScanNet's 25,000 frames of its 2D benchmark, scannet_frames_25k.zip: color/*.jpg (1296 x 968),
# depth/*.png (640 x 480, millimetres), label/*.png (numbers of NYU Depth V2's 40 classes, of which
# 20 are scored). The split files are the official lists of scenes.
_base_ = "hypersim.py"
dataset_type = "MultiTaskDataset"
data_root = "data/scannet"
tasks = ("semantic", "depth")
nyu40 = {
    1: "wall", 2: "floor", 3: "cabinet", 4: "bed", 5: "chair", 6: "sofa", 7: "table", 8: "door",
    9: "window", 10: "bookshelf", 11: "picture", 12: "counter", 14: "desk", 16: "curtain",
    24: "refrigerator", 28: "shower curtain", 33: "toilet", 34: "sink", 36: "bathtub",
    39: "otherfurniture",
}  # fmt: skip
classes = list(nyu40.values())
frames = "scannet_frames_25k"
dataset = dict(
    _delete_=True,
    type=dataset_type,
    data_root=data_root,
    image=dict(folder=frames, suffix=".jpg"),
    renames=dict(semantic={"/color/": "/label/"}, depth={"/color/": "/depth/"}),
    targets=dict(
        semantic=dict(
            type="LabelMap", classes=classes, values=nyu40, unlisted="ignore", folder=frames
        ),
        depth=dict(type="DepthMap", folder=frames, unit=0.001),
    ),
)
train_dataloader = dict(
    dataset=dict(**dataset, ann_file="scannetv2_train.txt", pipeline=_base_.train_pipeline),
)
val_dataloader = dict(
    dataset=dict(
        **dataset, ann_file="scannetv2_val.txt", pipeline=_base_.test_pipeline, test_mode=True
    ),
)
test_dataloader = val_dataloader  # the test scenes' labels are not public
val_evaluator = [
    dict(type="MultiTaskIoUMetric", task="semantic"),
    dict(type="MultiTaskDepthMetric", task="depth", max_depth=10.0),
]
test_evaluator = val_evaluator
