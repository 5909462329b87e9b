# ScanNet's scans as SensReader writes them, with label-filt of *_2d-label-filt.zip: 16-bit ids,
# which the release's scannetv2-labels.combined.tsv maps to the 40 classes of NYU Depth V2.
_base_ = "scannet.py"
where = dict(image=dict(folder="scans"), renames=dict(semantic={"/color/": "/label-filt/"}))
depth = dict(folder="scans")
semantic = dict(
    type="ScanNetLabelMap", classes=_base_.classes, nyu40=list(_base_.nyu40), folder="scans"
)
train_dataloader = dict(
    dataset=dict(**where, targets=dict(semantic=dict(_delete_=True, **semantic), depth=depth)),
)
val_dataloader = dict(
    dataset=dict(**where, targets=dict(semantic=dict(_delete_=True, **semantic), depth=depth)),
)
test_dataloader = val_dataloader
