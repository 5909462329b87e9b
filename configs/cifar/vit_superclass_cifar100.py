# The study, figure 6: the super-class alone.
_base_ = "vit_multi_cifar100.py"
tasks = ("superclass",)
model = dict(heads=dict(superclass=dict(dropout=0.0)), task_weights=dict(superclass=1.0))
