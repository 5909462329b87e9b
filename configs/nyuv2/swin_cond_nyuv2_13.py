# The 13-class protocol: background is ignored in the loss and in the score.
_base_ = "../swin_cond_nyuv2.py"
model = dict(heads=dict(semantic=dict(num_classes=13)))
train_dataloader = dict(dataset=dict(num_classes=13))
val_dataloader = dict(dataset=dict(num_classes=13))
test_dataloader = val_dataloader
