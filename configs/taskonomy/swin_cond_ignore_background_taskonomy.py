# Thesis, section 4.5.8: pixels of the background count neither in the loss nor in the score.
_base_ = "swin_cond_taskonomy.py"
train_dataloader = dict(dataset=dict(ignore_background=True))
val_dataloader = dict(dataset=dict(ignore_background=True))
test_dataloader = val_dataloader
