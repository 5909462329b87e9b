# Cityscapes at 128 x 256 with the seven categories of its labels, as the papers on loss balancing
# have it, but from the official files instead of their preprocessed arrays: depth is in metres, and
# scores are at the size of the files, 1024 x 2048, to which predictions are enlarged.
_base_ = "cityscapes.py"
groups = dict(
    flat=(7, 8),
    construction=(11, 12, 13),
    object=(17, 19, 20),
    nature=(21, 22),
    sky=(23,),
    human=(24, 25),
    vehicle=(26, 27, 28, 31, 32, 33),
)
categories = dict(
    _delete_=True,
    type="LabelMap",
    classes=list(groups),
    values={value: name for name, values in groups.items() for value in values},
    unlisted="ignore",
    suffix="_gtFine_labelIds.png",
)
small = dict(type="MultiTaskResize", scale=(128, 256))
load, targets, _, *augment = _base_.train_pipeline
train_dataloader = dict(
    batch_size=8,
    dataset=dict(
        targets=dict(semantic=dict(**categories, folder="gtFine/train")),
        pipeline=[load, targets, small, *augment],
    ),
)
val_dataloader = dict(
    dataset=dict(
        targets=dict(semantic=dict(**categories, folder="gtFine/val")),
        pipeline=[load, small, targets, augment[-1]],
    ),
)
test_dataloader = val_dataloader
