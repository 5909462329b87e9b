# Thesis, tables 4.5 to 4.9: LayerNorm conditioned too, its gain and bias started anew.
_base_ = "../swin_cond_nyuv2.py"
model = dict(backbone=dict(plan=dict(layer_norm="all", norm_from_scratch=True)))
experiment = dict(
    _delete_=True,
    name="Conditioned Layer Norm",
    rows={
        "4.6": "Conditioned Multitask",
        "4.8": "Depth: 1 - Segmentation: 5",
        "4.10": "Conditioned Layer Norm",
    },
    published={"depth/d1": 0.7826, "semantic/mIoU": 49.78},
    sizes=dict(
        row="Conditioned Multitask-1: LN, At (All)", trainable=76.4e6, flops_per_task=23.7e9
    ),
)
