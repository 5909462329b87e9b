# Our recipe for the study's figure 12: the super-class alone.
_base_ = "resnet152_multi_cifar100_ours.py"
model = dict(tasks=("superclass",), task_weights=dict(superclass=1.0))
train_dataloader = dict(dataset=dict(tasks=("superclass",)))
val_dataloader = dict(dataset=dict(tasks=("superclass",)))
test_dataloader = dict(dataset=dict(tasks=("superclass",)))
val_evaluator = [dict(type="MultiTaskAccuracy", task="superclass", cross_entropy=True)]
test_evaluator = val_evaluator
default_hooks = dict(checkpoint=dict(save_best="superclass/top1"))
experiment = dict(name="STL ResNet-152 (CIFAR-100) super-class ours", figure=dict(number=12))
