# ViT-B/16, frozen, with eight tokens in each block that are generated from the task embedding.
# Not measured.
_base_ = "vit_cond_nyuv2.py"
model = dict(
    backbone=dict(plan=dict(_delete_=True, prompts=dict(blocks="all", tokens=8), frozen=True))
)
