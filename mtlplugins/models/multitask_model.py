"""Multi-task model: a shared encoder, and a decoder and a head per task."""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableMapping, Sequence
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
from .checks import (
    check_channels,
    check_exchange,
    check_method,
    check_parts,
    check_preprocessor,
    check_tasks,
    check_test_cfg,
    check_unread,
)
from .compiled_network import CompiledNetwork, why_not
from .conditioning import TaskEmbedding
from .distributed.norms import rows_to_encode, synchronised_rows
from .distributed.shares import mean_over_processes
from .distributed.touch import touch
from .frozen_tasks import FrozenTasks, freeze_tasks, trained_tasks
from .heads import TaskHead
from .layer_depths import LayerDepths
from .layers import use_fast_depthwise, use_fast_linears
from .prediction import Prediction
from .rows import AllRows, Rows, SomeRows
from .task_losses import TaskLosses


@MODELS.register_module()
class MultiTaskModel(FrozenTasks, LayerDepths, Prediction, BaseSegmentor):
    """Multi-task model: a shared encoder, and a decoder and a head per task.

    At the encoder's branch point, images are expanded to (image, task) rows: one per existing
    target in training, one per requested task in inference. An encoder without a plan never
    branches. The call chain of a training step with the default ``step`` (DDP's wrapper enters it
    at ``step``)::

        train_step
          step                            AllTasks: one forward, one backward, one update
            data_preprocessor             images and targets of a batch
            loss                          {<task>_loss: raw, <task>_<figure>}
              rows_with_targets           the (image, task) pairs with a target; an empty batch of
                                          tasks that other ranks wait for
              encode_decode               logits of each task
                extract_feat              encoder: images, after the branch point rows
                neck, decoders, heads
              TaskLosses                  raw losses, zeros of tasks without a target
            parse_losses                  total: the sum of the losses times their weights
              balancing                   the weights
            optim_wrapper.update_params   backward, accumulation, clipping, optimizer

    Args:
        backbone: A ``Cond*`` encoder, or any mmseg backbone, which all tasks then share without
            conditioning.
        heads: The head of each task.
        decoders: The decoder of each task that needs one; other heads get the encoder's maps.
        neck: One of mmseg's necks, between the encoder and the decoders and heads.
        exchange: Attention between the decoders' maps, before the heads, such as
            ``dict(type="CrossTaskAttention", channels=96)``, by which the predictions of a task
            depend on the others; None for none. Not with ``frozen_tasks`` or ``TaskByTask``.
        tasks: The tasks to train and predict, in the order of their rows; None for all with a head.
            A config that inherits two tasks can thus train one of them.
        frozen_tasks: Tasks that are not trained; encoder and neck are frozen with them, so only the
            embeddings, decoders and heads of the other tasks are trained. For adding a task to a
            trained model, whose checkpoint is given as ``load_from``.
        global_embedding: Whether the task embeddings share a learned vector, from which a task
            added later starts; see :class:`TaskEmbedding`.
        task_weights: Factor of each task's loss, by default 1.
        balancing: Method that weights the losses of the tasks; None for ``dict(type="Fixed")``,
            which uses ``task_weights``. See :mod:`mtlplugins.models.balancing`.
        step: Training step; None for ``dict(type="AllTasks")``. See
            :mod:`mtlplugins.models.steps`.
        data_preprocessor: ``MultiTaskDataPreprocessor``, or one of your own; needed for training
            and testing with a runner.
        test_cfg: ``mode``: ``'whole'``, or ``'slide'`` with ``crop_size`` and ``stride`` (height,
            width), which averages the logits of dense tasks over windows. ``tasks``: the tasks to
            predict, None for all. ``tta``: test-time augmentation, such as ``dict(scales=(0.75,
            1.0, 1.25), flip=True)``; None for none.
        train_cfg: None or empty; mmseg's tools pass it.
        pretrained: None; mmseg's tools pass it.
        init_cfg: As in MMEngine.

    Raises:
        ValueError: A task has no head or is listed twice; ``task_weights``, ``frozen_tasks`` or
            ``test_cfg`` have an unknown task, or ``test_cfg`` an unknown key; all tasks are frozen;
                or a task name contains "loss" or ".", or is an attribute of PyTorch's modules;
            ``pretrained`` or ``train_cfg`` is given, which other models of mmseg read; or the data
            preprocessor is one of MMEngine, mmseg or mmpretrain.
    """

    decoders: MutableMapping[str, nn.Module]
    heads: MutableMapping[str, TaskHead]

    def __init__(
        self,
        backbone: dict,
        heads: dict[str, dict],
        decoders: dict[str, dict] | None = None,
        *,
        neck: dict | None = None,
        exchange: dict | None = None,
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
        check_unread(pretrained=pretrained, train_cfg=train_cfg)
        super().__init__(data_preprocessor=data_preprocessor, init_cfg=init_cfg)
        check_preprocessor(self.data_preprocessor if data_preprocessor else None)
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
        check_channels(self.data_preprocessor, self.backbone)
        self.neck = MODELS.build(neck) if neck else None
        self.decoders = _by_task(decoders, [task for task in self.tasks if task in decoders])
        self.heads = _by_task(heads, self.tasks)
        self.exchange = None
        if exchange:
            check_exchange(self.frozen_tasks)
            self.exchange = MODELS.build({**exchange, "tasks": list(self.decoders)})
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
        use_fast_depthwise(self)
        freeze_tasks(self)

    def modules_of(self, task: str) -> list[nn.Module]:
        """Return the modules that belong to one task only."""
        return [m[task] for m in (self.decoders, self.heads) if task in m]

    def shared_part(self, inputs: Tensor) -> Trunk:
        """Run the part of the model that the tasks share, on images (B, 3, H, W).

        It ends at the branch point. Without one, it is the whole encoder and the neck.
        """
        if self.task_embedding is not None:
            return self.backbone(inputs, to_branch=True)
        maps = tuple(self.backbone(inputs))
        return Trunk(None, tuple(self.neck(maps)) if self.neck is not None else maps)

    def extract_feat(self, inputs: Tensor | Trunk, rows: Rows | None = None) -> Sequence[Tensor]:
        """Encode images (B, 3, H, W) to maps, of images or, after the branch point, of rows."""
        if self.task_embedding is None:
            return self.backbone(inputs)
        rows = rows or AllRows(self.tasks, len(inputs))
        return self.backbone(inputs, rows.condition(self.task_embedding))

    def encode_decode(self, inputs: Tensor | Trunk, rows: Rows) -> dict[str, Tensor]:
        """Compute the logits of each row.

        Args:
            inputs: Images (B, 3, H, W), or the result of :meth:`shared_part`.
            rows: The rows to compute.

        Returns:
            Logits (n, K, h, w) of the n rows of each task, or (n, K) of an image-level task.
        """
        if self.task_embedding is None:
            trunk = inputs if isinstance(inputs, Trunk) else self.shared_part(inputs)
            maps, shared_maps = trunk.maps, len(trunk.maps)
        else:
            maps, shared_maps = self._maps_of_rows(inputs, rows_to_encode(rows))

        def decoded(task: str) -> Any:
            features = rows.features(maps, task, shared_maps)
            return self.decoders[task](features) if task in self.decoders else features

        if self.exchange is None:
            return {task: self.heads[task](decoded(task)) for task in rows.tasks}
        features = {task: decoded(task) for task in rows.tasks}
        features |= self.exchange({t: x for t, x in features.items() if t in self.decoders}, rows)
        return {task: self.heads[task](x) for task, x in features.items()}

    def compile_network(self, **options: Any) -> str | None:
        """Compile encoder, decoders and heads by ``torch.compile``, for training and prediction.

        Args:
            options: Arguments of ``torch.compile``.

        Returns:
            None, or why the encoder alone is compiled; see :class:`CompiledNetwork`.
        """
        mode = self.training
        self.train()  # which sets frozen norms
        reason = why_not(self)
        self.train(mode)
        if reason:
            self.backbone.compile(**options)
        else:
            self.encode_decode = CompiledNetwork(self, **options)
        return reason

    def _maps_of_rows(self, inputs: Tensor | Trunk, rows: Rows) -> tuple[Sequence[Tensor], int]:
        """Encode rows; return the maps after the neck, and how many of them are of images."""
        maps = self.extract_feat(inputs, rows)
        shared_maps = self.backbone.shared_maps
        if self.neck is not None:
            if shared_maps < len(maps):  # a neck may mix maps, so all must be of rows
                maps, shared_maps = rows.branch(maps, shared_maps), 0
            maps = self.neck(tuple(maps))  # mmpretrain's necks need a tuple
            shared_maps = shared_maps and len(maps)
        return maps, shared_maps

    def train_step(self, data: Any, optim_wrapper: OptimWrapper) -> dict[str, Tensor]:
        """Train on one batch with ``step``; the class documents the call chain.

        Returns:
            The values to log: ``loss``, the weighted total, and for each task its raw
            ``<task>_loss``, if an image has its target, ``<task>_weight`` and ``<task>_<figure>``.
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
            mode: ``"loss"``, ``"predict"`` or ``"tensor"``.
            backward: Given by a ``step`` that runs backward passes inside the forward pass:
                function that it calls with the loss of a task.
        """
        if backward is None:
            return super().forward(inputs, data_samples, mode)
        return self.step.forward(self, inputs, data_samples, backward)

    def rows_with_targets(self, data_samples: Sequence[MultiTaskDataSample]) -> SomeRows:
        """Make a row for each target of the trained tasks.

        Raises:
            ValueError: No image has a target.
        """
        rows = SomeRows.with_targets(self.trained_tasks, data_samples, others=self.frozen_tasks)
        return synchronised_rows(rows, {task: self.modules_of(task) for task in self.trained_tasks})

    def loss(self, inputs: Tensor, data_samples: list[MultiTaskDataSample]) -> dict[str, Tensor]:
        """Compute the raw loss of each task, without weights.

        Args:
            inputs: Images (B, 3, H, W).
            data_samples: Their targets; an image may lack some.

        Returns:
            ``<task>_loss`` and ``<task>_<figure>`` of the trained tasks. The mean over ranks is the
            loss over all targets of all ranks. The loss of a task without targets is a zero that
            reaches every parameter that its own loss would reach.

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
            # an image-level task alone does not reach the norms of the encoder's finer maps
            shared = touch(self.backbone, self.neck, self.exchange, self.task_embedding)
            last = f"{self.trained_tasks[-1]}_loss"
            losses[last] = losses[last] + shared
        return losses

    def parse_losses(self, losses: dict[str, Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
        """Weight the losses of :meth:`loss` and add them up.

        Args:
            losses: ``<task>_loss`` of each trained task. Other keys with "loss" are added
                unweighted.

        Returns:
            The total, and the values to log; see :meth:`train_step`. Logged losses are means over
            ranks.
        """
        raw = {task: losses[f"{task}_loss"] for task in self.trained_tasks}
        seen = {task: loss.detach() for task, loss in raw.items()}
        weights = self.balancing(seen if self.balancing.known_before else mean_over_processes(seen))
        weighted = {f"{task}_loss": weights[task] * loss for task, loss in raw.items()}
        total, logged = super().parse_losses(losses | weighted)
        logged |= {f"{task}_loss": loss for task, loss in raw.items()}
        logged |= mean_over_processes({n: v for n, v in logged.items() if "loss" in n})
        weights = {t: w.detach() if isinstance(w, Tensor) else w for t, w in weights.items()}
        return total, logged | {f"{task}_weight": weight for task, weight in weights.items()}


def _by_task(configs: Mapping[str, dict], tasks: Sequence[str]) -> Any:
    """Build the module of each task, as a ``ModuleDict``, whose items PyTorch types as modules."""
    return ModuleDict({task: MODELS.build(configs[task]) for task in tasks})
