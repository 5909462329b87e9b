# The study, figure 5: the class alone.
_base_ = "vit_multi_cifar100.py"
model = dict(heads=dict(label=dict(dropout=0.0)), tasks=("label",), task_weights=dict(label=1.0))
train_dataloader = dict(dataset=dict(tasks=("label",)))
val_dataloader = dict(dataset=dict(tasks=("label",)))
test_dataloader = dict(dataset=dict(tasks=("label",)))
val_evaluator = [dict(type="MultiTaskAccuracy", task="label", cross_entropy=True)]
test_evaluator = val_evaluator
experiment = dict(name="STL ViT (CIFAR-100) class", figure=dict(number=5))
