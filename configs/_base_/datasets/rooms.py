# Rendered rooms: no files needed. Semantic classes, depth and scene type.
tasks = ("semantic", "depth", "scene")  # of these four: semantic, depth, normals, scene
size = (64, 96)

# No crops: there are always more rooms, and apparent size tells depth.
train_pipeline = [
    dict(type="MultiTaskRandomFlip"),
    dict(type="PackMultiTask"),
]
test_pipeline = [
    dict(type="LoadMultiTaskImage"),
    dict(type="MultiTaskResize", scale=size),
    dict(type="PackMultiTask"),
]

train_dataloader = dict(
    batch_size=8,
    num_workers=1,
    persistent_workers=True,
    sampler=dict(type="DrawSampler", shuffle=True),
    dataset=dict(type="RoomsDataset", length=4000, seed=0, size=size, pipeline=train_pipeline),
)
val_dataloader = dict(
    batch_size=16,
    num_workers=1,
    persistent_workers=True,
    sampler=dict(type="DefaultSampler", shuffle=False),
    dataset=dict(
        type="RoomsDataset",
        length=200,
        seed=1,
        size=size,
        pipeline=[dict(type="PackMultiTask")],  # rendered at the size that is tested
        test_mode=True,
    ),
)
test_dataloader = val_dataloader

val_evaluator = [
    dict(type="MultiTaskIoUMetric", task="semantic"),
    dict(type="MultiTaskDepthMetric", task="depth"),
    dict(type="MultiTaskAccuracy", task="scene"),
    dict(type="MultiTaskNormalsMetric", task="normals"),
]
test_evaluator = val_evaluator
