# Our recipe for the study's figure 11: the class alone.
_base_ = "resnet152_multi_cifar100_ours.py"
model = dict(tasks=("label",), task_weights=dict(label=1.0))
train_dataloader = dict(dataset=dict(tasks=("label",)))
val_dataloader = dict(dataset=dict(tasks=("label",)))
test_dataloader = dict(dataset=dict(tasks=("label",)))
val_evaluator = [dict(type="MultiTaskAccuracy", task="label", cross_entropy=True)]
test_evaluator = val_evaluator
experiment = dict(name="STL ResNet-152 (CIFAR-100) class ours", figure=dict(number=11))
