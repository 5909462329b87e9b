# KITTI's depth, the split of Eigen et al. 2014: raw recordings in raw/, the annotated depth maps of
# the depth benchmark in depth/ (drives of train/ and val/ side by side), 16 bits of 1/256 m, 0 =
# missing. The lists name each image with its depth map, in BTS's form (Lee et al. 2019):
# 2011_09_26/2011_09_26_drive_0001_sync/image_02/data/0000000005.png
# 2011_09_26_drive_0001_sync/proj_depth/groundtruth/image_02/0000000005.png 721.5377 (in one line).
_base_ = "nyuv2.py"
dataset_type = "MultiTaskDataset"
data_root = "data/kitti"
tasks = ("depth",)
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
common = dict(_delete_=True, type=dataset_type, data_root=data_root)
depth = dict(type="DepthMap", unit=1 / 256)
raw = dict(
    **common,
    image=dict(folder="raw", suffix=".png"),
    targets=dict(depth=dict(**depth, folder="depth")),
)
train_dataloader = dict(
    batch_size=4,
    dataset=dict(**raw, ann_file="eigen_train_files_with_gt.txt", pipeline=train_pipeline),
)
val_dataloader = dict(
    dataset=dict(
        **raw, ann_file="eigen_test_files_with_gt.txt", pipeline=test_pipeline, test_mode=True
    ),
)
test_dataloader = val_dataloader
# As the papers: depth up to 80 m in Garg's crop, each score the mean over the images' own.
val_evaluator = [
    dict(type="MultiTaskDepthMetric", task="depth", max_depth=80.0, crop="garg", average="image"),
]
test_evaluator = val_evaluator
