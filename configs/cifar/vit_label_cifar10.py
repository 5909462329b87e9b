# The study, figure 3: the class alone.
_base_ = "vit_multi_cifar10.py"
model = dict(heads=dict(label=dict(dropout=0.0)), tasks=("label",), task_weights=dict(label=1.0))
train_dataloader = dict(dataset=dict(tasks=("label",)))
val_dataloader = dict(dataset=dict(tasks=("label",)))
test_dataloader = dict(dataset=dict(tasks=("label",)))
val_evaluator = [dict(type="MultiTaskAccuracy", task="label", cross_entropy=True)]
test_evaluator = val_evaluator
experiment = dict(name="STL ViT (CIFAR-10) class", figure=dict(number=3))
