# Each (image, task) an input of its own, as many of them in a step as in the same-batch runs.
_base_ = "cond_attention_small_nyuv2.py"
train_dataloader = dict(
    batch_size=16,
    dataset=dict(_delete_=True, type="OneTaskDataset", dataset={{_base_.train_dataloader.dataset}}),
)
