# Our recipe for the study's figure 3: the class alone.
_base_ = "vit_multi_cifar10_ours.py"
model = dict(tasks=("label",), task_weights=dict(label=1.0))
train_dataloader = dict(dataset=dict(tasks=("label",)))
val_dataloader = dict(dataset=dict(tasks=("label",)))
test_dataloader = dict(dataset=dict(tasks=("label",)))
val_evaluator = [dict(type="MultiTaskAccuracy", task="label", cross_entropy=True)]
test_evaluator = val_evaluator
experiment = dict(name="STL ViT (CIFAR-10) class ours", figure=dict(number=3))
