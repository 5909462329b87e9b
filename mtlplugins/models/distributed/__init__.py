"""The contract with distributed training (DDP and sharding), on one page.

Ranks (processes) see different images, so one rank may lack a task that another one has. Four rules
make the training equal to that of one process with all images:

1. **Shares** (``shares.py``). DDP averages gradients over ranks with equal weights. Each rank
   scales its mean loss by its share of all targets, so that the average over ranks is the mean over
   all targets.
2. **Touch** (``touch.py``). DDP waits for a gradient of every parameter in every rank. A task
   without targets contributes a zero loss whose backward pass reaches every parameter that the
   task's own loss would reach.
3. **Synchronised norms** (``norms.py``). ``SyncBatchNorm`` waits for the other ranks in its forward
   pass. A rank without targets of a task that another one has runs that task's norms on an empty
   batch.
4. **One owner of the step** (``wrapper.py``). MMEngine's DDP wrapper has a training step of its own
   and never calls the model's. ``MultiTaskDistributedDataParallel`` runs the model's
   ``step``, so that a step is the same with and without DDP.

Every rank makes the same collective calls in the same order, whatever its batch holds. What is
logged is averaged over ranks. Sharding (``runner_type="ShardedRunner"``) keeps rules 1 to 3 and
needs no wrapper.
"""

from .norms import rows_to_encode, synchronised_rows
from .shares import mean_over_processes, process_shares
from .touch import touch
from .wrapper import MultiTaskDistributedDataParallel

__all__ = [
    "MultiTaskDistributedDataParallel",
    "mean_over_processes",
    "process_shares",
    "rows_to_encode",
    "synchronised_rows",
    "touch",
]
