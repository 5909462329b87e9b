# The study, figure 3: the class alone.
_base_ = "vit_multi_cifar10.py"
tasks = ("label",)
model = dict(heads=dict(label=dict(dropout=0.0)), task_weights=dict(label=1.0))
