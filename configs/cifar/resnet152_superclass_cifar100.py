# The study, figure 12: the super-class alone.
_base_ = "resnet152_multi_cifar100.py"
model = dict(tasks=("superclass",), task_weights=dict(superclass=1.0))
train_dataloader = dict(dataset=dict(tasks=("superclass",)))
val_dataloader = dict(dataset=dict(tasks=("superclass",)))
test_dataloader = dict(dataset=dict(tasks=("superclass",)))
val_evaluator = [dict(type="MultiTaskAccuracy", task="superclass", cross_entropy=True)]
test_evaluator = val_evaluator
experiment = dict(name="STL ResNet-152 (CIFAR-100) super-class", figure=dict(number=12))
