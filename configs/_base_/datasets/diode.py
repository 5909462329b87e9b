# DIODE (Vasiljevic et al. 2019, arXiv:1908.00463), depth and normals unpacked into one folder:
# {train,val}/{indoors,outdoor}/scene_N/scan_N/*.png with *_depth.npy in metres, its mask
# *_depth_mask.npy and *_normal.npy. The folders are the split.
_base_ = "hypersim.py"
dataset_type = "MultiTaskDataset"
data_root = "data/diode"
tasks = ("depth", "normals")
depth = dict(type="DepthMap", suffix="_depth.npy", unit=1.0, valid_suffix="_depth_mask.npy")
normals = dict(type="NormalMap", suffix="_normal.npy")
common = dict(_delete_=True, type=dataset_type, data_root=data_root)
train_dataloader = dict(
    dataset=dict(
        **common,
        image=dict(folder="train", suffix=".png"),
        targets=dict(depth=dict(**depth, folder="train"), normals=dict(**normals, folder="train")),
        pipeline=_base_.train_pipeline,
    ),
)
val_dataloader = dict(
    dataset=dict(
        **common,
        image=dict(folder="val", suffix=".png"),
        targets=dict(depth=dict(**depth, folder="val"), normals=dict(**normals, folder="val")),
        pipeline=_base_.test_pipeline,
        test_mode=True,
    ),
)
test_dataloader = val_dataloader
val_evaluator = [
    dict(type="MultiTaskDepthMetric", task="depth", max_depth=300.0),
    dict(type="MultiTaskNormalsMetric", task="normals"),
]
test_evaluator = val_evaluator
