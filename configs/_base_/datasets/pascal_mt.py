# PASCAL-MT (ASTMT): 4,998 training and 5,105 validation images of PASCAL-Context, five tasks.
_base_ = "nyuv2.py"
dataset_type = "PascalMTDataset"
data_root = "data/PASCAL_MT"
tasks = ("semantic", "parts", "saliency", "normals", "edges")

# 512 x 512 as the papers have it; targets stay at their images' sizes in scores.
size = (512, 512)
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
common = dict(type=dataset_type, data_root=data_root)
train_dataloader = dict(
    batch_size=8,
    dataset=dict(**common, ann_file="ImageSets/Context/train.txt", pipeline=train_pipeline),
)
val_dataloader = dict(
    dataset=dict(**common, ann_file="ImageSets/Context/val.txt", pipeline=test_pipeline),
)
test_dataloader = val_dataloader

# As the papers: mIoU of 21 classes and of 7 parts with the background; maxF (newer papers) and mIoU
# (older ones) of saliency; mean angle; odsF at 0.0075 without thinning, 99 thresholds in a test.
metrics = [
    dict(type="MultiTaskIoUMetric", task="semantic"),
    dict(type="MultiTaskIoUMetric", task="parts"),
    dict(type="MultiTaskMaskMetric", task="saliency"),
    dict(type="MultiTaskNormalsMetric", task="normals"),
]
edges = dict(type="MultiTaskEdgesMetric", task="edges", max_distance=0.0075, thin_edges=False)
val_evaluator = [*metrics, edges]
test_evaluator = [*metrics, dict(**edges, num_thresholds=99)]
