# Conditional FiLM in all blocks, each (image, task) an input of its own, as many in a step.
_base_ = "norm_pretrained_nyuv2.py"
train_dataloader = dict(
    batch_size=16,
    dataset=dict(_delete_=True, type="OneTaskDataset", dataset={{_base_.train_dataloader.dataset}}),
)
