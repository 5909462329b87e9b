# Thesis, table 4.13: each (image, task) an input of its own, shuffled over the batches.
_base_ = "../swin_cond_nyuv2.py"
train_dataloader = dict(
    batch_size=32,  # (image, task) inputs: as many in a step as 16 images have with two tasks
    dataset=dict(_delete_=True, type="OneTaskDataset", dataset={{_base_.train_dataloader.dataset}}),
)
