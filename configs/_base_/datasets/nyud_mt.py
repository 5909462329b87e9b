# NYUD-MT, the release of ASTMT (Maninis et al. 2019, arXiv:1904.08918): 795 training and 654 test
# images in images/, segmentation/ (PNG, 0 = no ground truth, 1 to 40), depth/ (.npy, metres),
# normals/ (.npy) and edge/ (.npy), names in gt_sets/train.txt and val.txt.
_base_ = "nyuv2.py"
dataset_type = "MultiTaskDataset"
data_root = "data/NYUD_MT"
tasks = ("semantic", "depth", "normals", "edges")
classes = [
    "wall", "floor", "cabinet", "bed", "chair", "sofa", "table", "door", "window", "bookshelf",
    "picture", "counter", "blinds", "desk", "shelves", "curtain", "dresser", "pillow", "mirror",
    "floor mat", "clothes", "ceiling", "books", "refrigerator", "television", "paper", "towel",
    "shower curtain", "box", "whiteboard", "person", "night stand", "toilet", "sink", "lamp",
    "bathtub", "bag", "otherstructure", "otherfurniture", "otherprop",
]  # fmt: skip

test_pipeline = [
    _base_.test_pipeline[0],
    dict(type="MultiTaskResize", scale=(448, 576)),
    *_base_.test_pipeline[2:],
]
train_pipeline = [
    *_base_.train_pipeline[:2],
    dict(type="MultiTaskRandomResizedCrop", scale=(448, 576), crop_ratio_range=(0.5, 1.0)),
    *_base_.train_pipeline[3:],
]
dataset = dict(
    _delete_=True,
    type=dataset_type,
    data_root=data_root,
    image=dict(folder="images", suffix=".jpg"),
    targets=dict(
        semantic=dict(
            type="LabelMap", classes=classes, folder="segmentation", reduce_zero_label=True
        ),
        depth=dict(type="DepthMap", folder="depth", suffix=".npy", unit=1.0),
        normals=dict(type="NormalMap", folder="normals", suffix=".npy"),
        edges=dict(type="EdgeMap", folder="edge", suffix=".npy"),
    ),
)
train_dataloader = dict(
    batch_size=8,
    dataset=dict(**dataset, ann_file="gt_sets/train.txt", pipeline=train_pipeline),
)
val_dataloader = dict(
    dataset=dict(**dataset, ann_file="gt_sets/val.txt", pipeline=test_pipeline, test_mode=True),
)
test_dataloader = val_dataloader

# As the papers: mIoU over 40 classes; rmse of depth over all pixels; mean angle over all pixels;
# odsF at 0.011 of the diagonal without thinning, as SEISM does it, with 99 thresholds in a test
# (about 0.1 s each and image) and 9 in validations.
metrics = [
    dict(type="MultiTaskIoUMetric", task="semantic"),
    dict(type="MultiTaskDepthMetric", task="depth"),
    dict(type="MultiTaskNormalsMetric", task="normals"),
]
edges = dict(type="MultiTaskEdgesMetric", task="edges", max_distance=0.011, thin_edges=False)
val_evaluator = [*metrics, edges]
test_evaluator = [*metrics, dict(**edges, num_thresholds=99)]
