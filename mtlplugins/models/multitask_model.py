"""The multi-task network: one encoder, a decoder and a head per task."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from mmengine.dist import get_world_size
from mmengine.model import ModuleDict
from mmengine.optim import OptimWrapper
from mmseg.models.segmentors import BaseSegmentor
from mmseg.registry import MODELS
from torch import Tensor, nn

from mtlplugins.structures import MultiTaskDataSample

from .backbones.conditioned import Trunk
from .balancing import METHODS
from .checks import check_method, check_parts, check_tasks, check_test_cfg
from .conditioning import TaskEmbedding
from .distributed.norms import rows_to_encode, synchronised_rows
from .distributed.shares import mean_over_processes
from .distributed.touch import touch
from .frozen_tasks import FrozenTasks, freeze_tasks, trained_tasks
from .layers import use_fast_linears
from .prediction import Prediction
from .rows import Rows
from .task_losses import TaskLosses


@MODELS.register_module()
class MultiTaskModel(FrozenTasks, Prediction, BaseSegmentor):
    """A shared encoder with a decoder and a head per task, dense or of whole images.

    Images become (image, task) rows at the encoder's branch point; training runs a row for each
    target that is there, inference one for each task that is asked for. An encoder without a plan
    never branches. The calls of a training step with the default ``step``, at which DDP's wrapper
    begins::

        train_step
          step                            AllTasks: one forward, one backward, one update
            data_preprocessor             images and targets of a batch
            loss                          {<task>_loss: raw, <task>_<figure>}
              rows_with_targets           which (image, task) pairs have a target; on no image the
                                          tasks that other processes wait for
              encode_decode               logits of each task
                extract_feat              encoder: images, from the branch point on rows
                neck, decoders, heads
              TaskLosses                  raw losses, zeros of tasks without a target
            parse_losses                  total: the sum of the losses times their weights
              balancing                   the weights
            optim_wrapper.update_params   backward, accumulation, clipping, optimizer

    Args:
        backbone: A ``Cond*`` encoder, or any mmseg backbone, which is then shared by all tasks as
            it is.
        heads: The head of each task.
        decoders: The decoder of each task that needs one; a head without gets the encoder's maps.
        neck: Any of mmseg's necks, between the encoder and the decoders and heads.
        tasks: The tasks to learn, in the order of their rows; None for all that have a head.
            So a config that inherits two tasks can learn one of them.
        frozen_tasks: Tasks that stay as they are, and the encoder and the neck with them: only the
            embeddings, decoders and heads of the other tasks are trained. For adding a task to a
            trained model, whose checkpoint is given as ``load_from``.
        global_embedding: Whether the task embeddings share a learned vector, from which a task
            added later starts; see :class:`TaskEmbedding`.
        task_weights: Factor of each task's loss, 1 where not given.
        balancing: How the losses of the tasks are weighted; None for ``dict(type="Fixed")``, by
            ``task_weights`` alone. See :mod:`mtlplugins.models.balancing`.
        step: In which order the tasks of a batch are trained; None for ``dict(type="AllTasks")``.
            See :mod:`mtlplugins.models.steps`.
        data_preprocessor: Usually ``MultiTaskDataPreprocessor``.
        test_cfg: ``mode``: ``'whole'``, or ``'slide'`` with ``crop_size`` and ``stride`` (height,
            width), which averages the logits of dense tasks over windows. ``tasks``: the tasks to
            predict, None for all.
        train_cfg: Not used; mmseg's tools pass it.
        pretrained: Not used; mmseg's tools pass it.
        init_cfg: As in MMEngine.

    Raises:
        ValueError: A task without a head, or twice, an unknown task in ``task_weights``,
            ``frozen_tasks`` or ``test_cfg``, an unknown key in ``test_cfg``, no task left to train,
            or a task name with "loss" or "." in it, or that PyTorch's modules use themselves.
    """

    def __init__(
        self,
        backbone: dict,
        heads: dict[str, dict],
        decoders: dict[str, dict] | None = None,
        *,
        neck: dict | None = None,
        tasks: Sequence[str] | None = None,
        frozen_tasks: Sequence[str] = (),
        global_embedding: bool = False,
        task_weights: dict[str, float] | None = None,
        balancing: dict | None = None,
        step: dict | None = None,
        data_preprocessor: dict | None = None,
        test_cfg: dict | None = None,
        train_cfg: dict | None = None,
        pretrained: str | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(data_preprocessor=data_preprocessor, init_cfg=init_cfg)
        decoders = decoders or {}
        self.tasks = tuple(heads if tasks is None else tasks)
        self.test_cfg = dict(mode="whole", tasks=None) | dict(test_cfg or {})
        check_tasks("tasks", self.tasks, heads)
        check_tasks("task_weights", task_weights or {}, heads)
        check_tasks("decoders", decoders, heads)
        check_tasks("frozen_tasks", frozen_tasks, self.tasks)
        check_parts(self.tasks, heads=heads, decoders=decoders)
        check_test_cfg(self.test_cfg, self.tasks)
        self.frozen_tasks = tuple(frozen_tasks)
        self.trained_tasks = trained_tasks(self.tasks, frozen_tasks)

        self.backbone = MODELS.build(backbone)
        self.neck = MODELS.build(neck) if neck else None
        self.decoders = ModuleDict(
            {task: MODELS.build(decoders[task]) for task in self.tasks if task in decoders}
        )
        self.heads = ModuleDict({task: MODELS.build(heads[task]) for task in self.tasks})
        embed_dims = getattr(self.backbone, "task_embed_dims", None)
        self.task_embedding = None
        if embed_dims:
            self.task_embedding = TaskEmbedding(
                self.tasks, embed_dims, with_global=global_embedding
            )
        elif global_embedding:
            raise ValueError("global_embedding needs a conditioned encoder: give backbone.plan")
        check_method("balancing", balancing, METHODS)
        check_method("step", step, ("AllTasks", "TaskByTask"))
        balancing = dict(type="Fixed") | dict(balancing or {})
        balancing.update(tasks=self.trained_tasks, task_weights=task_weights)
        self.balancing = MODELS.build(balancing)
        self.step = MODELS.build(step or dict(type="AllTasks"))
        self.step.check(self)
        use_fast_linears(self)
        freeze_tasks(self)

    def modules_of(self, task: str) -> list[nn.Module]:
        """List the modules that are one task's alone."""
        return [m[task] for m in (self.decoders, self.heads) if task in m]

    def shared_part(self, inputs: Tensor) -> Trunk:
        """Run what the tasks of an image (B, 3, H, W) share: up to the branch point, or the neck.

        An encoder without a branch point is shared as a whole, and so is the neck behind it.
        """
        if self.task_embedding is not None:
            return self.backbone(inputs, to_branch=True)
        maps = tuple(self.backbone(inputs))
        return Trunk(None, tuple(self.neck(maps)) if self.neck is not None else maps)

    def extract_feat(self, inputs: Tensor | Trunk, rows: Rows | None = None) -> Sequence[Tensor]:
        """Encode images (B, 3, H, W) to maps, of images or, behind the branch point, of rows."""
        if self.task_embedding is None:
            return self.backbone(inputs)
        rows = rows or Rows.asked_for(self.tasks, len(inputs))
        return self.backbone(inputs, rows.condition(self.task_embedding))

    def encode_decode(self, inputs: Tensor | Trunk, rows: Rows) -> dict[str, Tensor]:
        """Compute the logits of each row.

        Args:
            inputs: Images (B, 3, H, W), or what :meth:`shared_part` has made of them.
            rows: What to compute.

        Returns:
            For each task that has n rows, logits (n, K, h, w), or (n, K) of an image-level task.
        """
        if self.task_embedding is None:
            trunk = inputs if isinstance(inputs, Trunk) else self.shared_part(inputs)
            maps, shared_maps = trunk.maps, len(trunk.maps)
        else:
            maps, shared_maps = self._maps_of_rows(inputs, rows_to_encode(rows))
        logits = {}
        for task in rows.tasks:
            features = rows.features(maps, task, shared_maps)
            if task in self.decoders:
                features = self.decoders[task](features)
            logits[task] = self.heads[task](features)
        return logits

    def _maps_of_rows(self, inputs: Tensor | Trunk, rows: Rows) -> tuple[Sequence[Tensor], int]:
        """Encode rows; return the maps after the neck, and how many are still of images."""
        maps = self.extract_feat(inputs, rows)
        shared_maps = self.backbone.shared_maps
        if self.neck is not None:
            if shared_maps < len(maps):  # a neck may mix the maps, so all must be of rows
                maps, shared_maps = rows.branch(maps, shared_maps), 0
            maps = self.neck(tuple(maps))  # mmpretrain's necks take no list
            shared_maps = shared_maps and len(maps)
        return maps, shared_maps

    def train_step(self, data: Any, optim_wrapper: OptimWrapper) -> dict[str, Tensor]:
        """Train on one batch, as ``step`` says; see the class for the chain of calls.

        Returns:
            What is logged: ``loss``, the weighted total; of each task its raw ``<task>_loss``,
            ``<task>_weight`` and ``<task>_<figure>``.
        """
        _, logged = self.step(self, data, optim_wrapper)
        return logged

    def forward(
        self,
        inputs: Tensor,
        data_samples: list[MultiTaskDataSample] | None = None,
        mode: str = "tensor",
        backward: Callable[[Tensor], None] | None = None,
    ) -> Any:
        """Compute ``"loss"``, ``"predict"`` or ``"tensor"``, as in MMEngine.

        Args:
            inputs: Images (B, 3, H, W).
            data_samples: Their targets or sizes.
            mode: What to compute.
            backward: Of a ``step`` that goes backward within the forward pass: what it calls with
                the loss of a task.
        """
        if backward is None:
            return super().forward(inputs, data_samples, mode)
        return self.step.forward(self, inputs, data_samples, backward)

    def rows_with_targets(self, data_samples: Sequence[MultiTaskDataSample]) -> Rows:
        """Make a row of each target of the tasks that are trained.

        Raises:
            ValueError: No image has a target.
        """
        rows = Rows.with_targets(self.trained_tasks, data_samples, others=self.frozen_tasks)
        return synchronised_rows(rows, {task: self.modules_of(task) for task in self.trained_tasks})

    def loss(self, inputs: Tensor, data_samples: list[MultiTaskDataSample]) -> dict[str, Tensor]:
        """Compute the raw loss of each task, without weights.

        Args:
            inputs: Images (B, 3, H, W).
            data_samples: Their targets; an image may lack some.

        Returns:
            ``<task>_loss`` and ``<task>_<figure>`` of the tasks that are trained. Over processes,
            the losses average to those of all their targets together. That of a task without a
            target is a zero that reaches every parameter that its own loss would reach.

        Raises:
            ValueError: No image has a target, or a target does not fit its head.
        """
        rows = self.rows_with_targets(data_samples)
        logits = self.encode_decode(inputs, rows) if rows.images else {}
        found = TaskLosses(self.trained_tasks, self.heads, rows, data_samples, inputs.device)
        losses = {}
        for task in self.trained_tasks:
            losses |= found.loss(task, logits.get(task, inputs[:0]), self.modules_of(task))
        if get_world_size() > 1 or len(logits) < len(self.trained_tasks):
            # an image-level task alone does not reach the norms of an encoder's finer maps
            shared = touch(self.backbone, self.neck, self.task_embedding)
            last = f"{self.trained_tasks[-1]}_loss"
            losses[last] = losses[last] + shared
        return losses

    def parse_losses(self, losses: dict[str, Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
        """Weight the losses of :meth:`loss` and add them up.

        Args:
            losses: ``<task>_loss`` of each trained task. Another ``…loss…`` counts as it is.

        Returns:
            The total, and what is logged; see :meth:`train_step`. Losses in it are means over
            processes.
        """
        raw = {task: losses[f"{task}_loss"] for task in self.trained_tasks}
        seen = {task: loss.detach() for task, loss in raw.items()}
        weights = self.balancing(seen if self.balancing.known_before else mean_over_processes(seen))
        weighted = {f"{task}_loss": weights[task] * loss for task, loss in raw.items()}
        total, logged = super().parse_losses(losses | weighted)
        logged |= {f"{task}_loss": loss for task, loss in raw.items()}
        logged |= mean_over_processes({n: v for n, v in logged.items() if "loss" in n})
        return total, logged | {f"{task}_weight": weight for task, weight in weights.items()}
