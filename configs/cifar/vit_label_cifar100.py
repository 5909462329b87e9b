# The study, figure 5: the class alone.
_base_ = "vit_multi_cifar100.py"
tasks = ("label",)
model = dict(heads=dict(label=dict(dropout=0.0)), task_weights=dict(label=1.0))
