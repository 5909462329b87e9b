# The study, figure 4: the super-class alone.
_base_ = "vit_multi_cifar10.py"
model = dict(
    heads=dict(superclass=dict(dropout=0.0)),
    tasks=("superclass",),
    task_weights=dict(superclass=1.0),
)
train_dataloader = dict(dataset=dict(tasks=("superclass",)))
val_dataloader = dict(dataset=dict(tasks=("superclass",)))
test_dataloader = dict(dataset=dict(tasks=("superclass",)))
val_evaluator = [dict(type="MultiTaskAccuracy", task="superclass", cross_entropy=True)]
test_evaluator = val_evaluator
experiment = dict(name="STL ViT (CIFAR-10) super-class", figure=dict(number=4))
