# Taskonomy, the tiny split: 18 labels, depth in metres; augmented and scored as NYUv2 is.
_base_ = "nyuv2.py"
dataset_type = "TaskonomyDataset"
data_root = "data/taskonomy"
ann_file = "train_val_test_tiny.csv"  # below data_root

# The images are square, 512 x 512; targets stay at that size.
test_pipeline = [
    _base_.test_pipeline[0],
    dict(type="MultiTaskResize", scale=(224, 224)),
    *_base_.test_pipeline[2:],
]
dataset = dict(type=dataset_type, data_root=data_root, ann_file=ann_file)
train_dataloader = dict(dataset=dict(**dataset, split="train"))
val_dataloader = dict(dataset=dict(**dataset, split="val", pipeline=test_pipeline))
# the thesis has results on the validation split alone
test_dataloader = val_dataloader
