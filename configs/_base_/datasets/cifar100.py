# CIFAR-100: the class and its super-class, one of 20; all else as for CIFAR-10.
_base_ = "cifar10.py"
dataset = dict(num_classes=100)
train_dataloader = dict(dataset=dataset)
val_dataloader = dict(dataset=dataset)
test_dataloader = dict(dataset=dataset)
