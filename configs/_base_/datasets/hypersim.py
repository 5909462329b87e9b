# Hypersim as it is downloaded (Roberts et al. 2021, arXiv:2011.02523): tone-mapped previews, 40
# classes of NYU Depth V2 (-1: none), distances from the camera's centre in metres, normals in the
# camera's axes (x right, y up, z towards the viewer). splits/*.txt are made from the official CSV
# (docs/literature.md).
_base_ = "nyud_mt.py"
dataset_type = "MultiTaskDataset"
data_root = "data/hypersim"
tasks = ("semantic", "depth", "normals")
size = (384, 512)

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
hdf5 = {"_final_preview": "_geometry_hdf5"}
dataset = dict(
    _delete_=True,
    type=dataset_type,
    data_root=data_root,
    image=dict(folder="", suffix=".tonemap.jpg"),
    renames=dict(semantic=hdf5, depth=hdf5, normals=hdf5),
    targets=dict(
        semantic=dict(
            type="LabelMap",
            classes=_base_.classes,
            suffix=".semantic.hdf5",
            values={-1: None} | {i + 1: name for i, name in enumerate(_base_.classes)},
        ),
        # 60 degrees across 1024 pixels: 512 / tan(30 degrees)
        depth=dict(
            type="DepthMap",
            suffix=".depth_meters.hdf5",
            unit=1.0,
            along_ray=(886.81, 886.81, 512, 384),
        ),
        normals=dict(type="NormalMap", suffix=".normal_cam.hdf5", signs=(1, -1, -1)),
    ),
)
train_dataloader = dict(
    batch_size=8,
    dataset=dict(**dataset, ann_file="splits/train.txt", pipeline=train_pipeline),
)
val_dataloader = dict(
    dataset=dict(**dataset, ann_file="splits/val.txt", pipeline=test_pipeline, test_mode=True),
)
test_dataloader = dict(
    dataset=dict(**dataset, ann_file="splits/test.txt", pipeline=test_pipeline, test_mode=True),
)
val_evaluator = _base_.metrics
test_evaluator = val_evaluator
