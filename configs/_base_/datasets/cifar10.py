# CIFAR-10: the class and the super-class, animal or vehicle. The last 15% of the training images
# are for validation, as in the study.
data_root = "data/cifar"
tasks = ("label", "superclass")

# Images go to the model as they lie in memory; MultiTaskDataPreprocessor augments whole batches.
train_pipeline = []
# for images from files
test_pipeline = [
    dict(type="LoadMultiTaskImage"),
    dict(type="MultiTaskResize", scale=(32, 32)),
    dict(type="PackMultiTask"),
]

dataset = dict(type="MultiTaskCIFAR", data_root=data_root, num_classes=10, pipeline=[])
loader = dict(num_workers=2, persistent_workers=True, collate_fn=dict(type="stack_images"))
train_dataloader = dict(
    **loader,
    batch_size=256,
    sampler=dict(type="DrawSampler", shuffle=True),
    dataset=dict(**dataset, split="train"),
)
val_dataloader = dict(
    **loader,
    batch_size=500,
    sampler=dict(type="DefaultSampler", shuffle=False),
    dataset=dict(**dataset, split="val", test_mode=True),
)
test_dataloader = dict(
    **loader,
    batch_size=500,
    sampler=dict(type="DefaultSampler", shuffle=False),
    dataset=dict(**dataset, split="test", test_mode=True),
)

val_evaluator = [
    dict(type="MultiTaskAccuracy", task="label", cross_entropy=True),
    dict(type="MultiTaskAccuracy", task="superclass", cross_entropy=True),
]
test_evaluator = val_evaluator
