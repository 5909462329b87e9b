# Cracks and the place of scans: a kind of target, a data set and a conditional module of edgelab.
_base_ = "mtlplugins::_base_/default_runtime.py"
custom_imports = dict(imports=["mtlplugins", "edgelab"], allow_failed_imports=False)

model = dict(
    type="MultiTaskModel",
    data_preprocessor=dict(type="MultiTaskDataPreprocessor", pad_size_divisor=8),
    backbone=dict(
        type="CondSwinTransformer",
        embed_dims=8,
        depths=(1, 1),
        num_heads=(1, 2),
        strides=(4, 2),
        out_indices=(0, 1),
        window_size=4,
        drop_path_rate=0.2,
        plan=dict(gate="all"),
    ),
    decoders=dict(cracks=dict(type="ConvUNetDecoder", in_channels=(8, 16), channels=(8,))),
    heads=dict(
        cracks=dict(type="CrackHead", in_channels=8),
        place=dict(type="ClassificationHead", in_channels=16, num_classes=2),
    ),
    test_cfg=dict(mode="whole"),
)

test_pipeline = [dict(type="LoadMultiTaskImage"), dict(type="PackMultiTask")]
load = [dict(type="LoadMultiTaskImage"), dict(type="LoadTargets")]
pack = dict(type="PackMultiTask")
unflipped = [*load, pack]
data_root = "data/scans"
train_dataloader = dict(
    batch_size=2,
    num_workers=0,
    sampler=dict(type="DefaultSampler", shuffle=True),
    dataset=dict(
        type="ScanDataset",
        data_root=data_root,
        ann_file="train.txt",
        pipeline=[*load, dict(type="MultiTaskRandomFlip"), pack],
    ),
)
val_dataloader = dict(
    batch_size=1,
    num_workers=0,
    sampler=dict(type="DefaultSampler", shuffle=False),
    dataset=dict(
        type="ScanDataset",
        data_root=data_root,
        ann_file="val.txt",
        pipeline=unflipped,
        test_mode=True,
    ),
)
test_dataloader = val_dataloader
val_evaluator = [
    dict(type="CrackMetric", task="cracks"),
    dict(type="MultiTaskAccuracy", task="place"),
]
test_evaluator = val_evaluator

optim_wrapper = dict(type="OptimWrapper", optimizer=dict(type="AdamW", lr=1e-2))
train_cfg = dict(type="EpochBasedTrainLoop", max_epochs=2, val_interval=1)
val_cfg = dict(type="ValLoop")
test_cfg = dict(type="TestLoop")
