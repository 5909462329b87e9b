# Task embeddings that share a learned vector, from which a task added later starts.
_base_ = "swin_cond_rooms.py"
model = dict(global_embedding=True)
