# Four problems: class and super-class of CIFAR-10 and of CIFAR-100, each image with its own two.
_base_ = "cifar10.py"
tasks = ("label10", "superclass10", "label100", "superclass100")
cifar = dict(type="MultiTaskCIFAR", data_root=_base_.data_root, pipeline=[])
cifar10 = dict(**cifar, num_classes=10, suffix="10")
cifar100 = dict(**cifar, num_classes=100, suffix="100")
mixed = dict(type="MixedDataset", ratios=(1, 1))

train_sets = [dict(**cifar10, split="train"), dict(**cifar100, split="train")]
val_sets = [
    dict(**cifar10, split="val", test_mode=True),
    dict(**cifar100, split="val", test_mode=True),
]
test_sets = [
    dict(**cifar10, split="test", test_mode=True),
    dict(**cifar100, split="test", test_mode=True),
]
train_dataloader = dict(dataset=dict(_delete_=True, **mixed, datasets=train_sets))
val_dataloader = dict(dataset=dict(_delete_=True, **mixed, datasets=val_sets))
test_dataloader = dict(dataset=dict(_delete_=True, **mixed, datasets=test_sets))

val_evaluator = [
    dict(type="MultiTaskAccuracy", task="label10", cross_entropy=True),
    dict(type="MultiTaskAccuracy", task="superclass10", cross_entropy=True),
    dict(type="MultiTaskAccuracy", task="label100", cross_entropy=True),
    dict(type="MultiTaskAccuracy", task="superclass100", cross_entropy=True),
]
test_evaluator = val_evaluator
