# The from-scratch protocol of the literature: 288 x 384, 13 classes with background ignored, depth
# and normals. Run tools/dataset_converters/nyuv2_normals.py on the data first.
_base_ = "nyuv2.py"
size = (288, 384)
tasks = ("semantic", "depth", "normals")
train_pipeline = [
    dict(type="LoadMultiTaskImage"),
    dict(type="LoadTargets"),
    # enlarged images show nearer things: zoom_depth keeps depth true
    dict(
        type="MultiTaskRandomResizedCrop", scale=size, crop_ratio_range=(0.4, 1.0), zoom_depth=True
    ),
    dict(type="MultiTaskRandomFlip"),
    dict(type="MultiTaskColorJitter", brightness=0.3, contrast=0.3, saturation=0.3, hue=0.05),
    dict(type="PackMultiTask"),
]
test_pipeline = [
    _base_.test_pipeline[0],
    dict(type="MultiTaskResize", scale=size),
    *_base_.test_pipeline[2:],
]
train_dataloader = dict(batch_size=8, dataset=dict(pipeline=train_pipeline, num_classes=13))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline, num_classes=13))
test_dataloader = val_dataloader

# depth and normals also as the literature averages them, over batches of two images
val_evaluator = [
    _base_.val_evaluator[0],
    dict(type="MultiTaskDepthMetric", task="depth", protocol="nyuv2-13"),
    dict(type="MultiTaskNormalsMetric", task="normals", protocol="nyuv2-13"),
    _base_.val_evaluator[3],
]
test_evaluator = val_evaluator
