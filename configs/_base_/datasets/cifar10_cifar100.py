# Four problems: class and super-class of CIFAR-10 and of CIFAR-100, each picture with its own two.
data_root = "data/cifar"
tasks = ("label10", "superclass10", "label100", "superclass100")
cifar10 = dict(type="MultiTaskCIFAR", data_root=data_root, num_classes=10, suffix="10", pipeline=[])
cifar100 = dict(
    type="MultiTaskCIFAR", data_root=data_root, num_classes=100, suffix="100", pipeline=[]
)

train_pipeline = []
# for pictures from files
test_pipeline = [
    dict(type="LoadMultiTaskImage"),
    dict(type="MultiTaskResize", scale=(32, 32)),
    dict(type="PackMultiTask"),
]

loader = dict(num_workers=2, persistent_workers=True, collate_fn=dict(type="stack_images"))
train_dataloader = dict(
    **loader,
    batch_size=256,
    sampler=dict(type="DrawSampler", shuffle=True),
    dataset=dict(
        type="MixedDataset",
        datasets=[dict(**cifar10, split="train"), dict(**cifar100, split="train")],
        ratios=(1, 1),
    ),
)
val_dataloader = dict(
    **loader,
    batch_size=500,
    sampler=dict(type="DefaultSampler", shuffle=False),
    dataset=dict(
        type="MixedDataset",
        datasets=[
            dict(**cifar10, split="val", test_mode=True),
            dict(**cifar100, split="val", test_mode=True),
        ],
        ratios=(1, 1),
    ),
)
test_dataloader = dict(
    **loader,
    batch_size=500,
    sampler=dict(type="DefaultSampler", shuffle=False),
    dataset=dict(
        type="MixedDataset",
        datasets=[
            dict(**cifar10, split="test", test_mode=True),
            dict(**cifar100, split="test", test_mode=True),
        ],
        ratios=(1, 1),
    ),
)

val_evaluator = [
    dict(type="MultiTaskAccuracy", task="label10", cross_entropy=True),
    dict(type="MultiTaskAccuracy", task="superclass10", cross_entropy=True),
    dict(type="MultiTaskAccuracy", task="label100", cross_entropy=True),
    dict(type="MultiTaskAccuracy", task="superclass100", cross_entropy=True),
]
test_evaluator = val_evaluator
