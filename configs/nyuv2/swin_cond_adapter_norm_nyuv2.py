# Thesis, table 4.2: all modules in all blocks. The thesis gives its size alone.
_base_ = "../swin_cond_nyuv2.py"
model = dict(backbone=dict(plan=dict(layer_norm="all", adapter="all")))
experiment = dict(
    _delete_=True,
    name="Adapter, norm and attention in all blocks",
    rows={},
    sizes=dict(
        row="Conditioned Multitask-1: Ad, LN, At (All)", trainable=88.1e6, flops_per_task=25e9
    ),
)
