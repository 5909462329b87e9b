"""CUDA graphs: a prediction replayed without the CPU's work for each kernel."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from typing import Any

import torch
from torch import Tensor

from mtlplugins.models.backbones.conditioned import Trunk
from mtlplugins.models.rows import AllRows, Rows

#: A function that runs, once, what it is given; returns the result, and a function that replays it.
Capture = Callable[[Callable[[], dict[str, Tensor]]], tuple[dict[str, Tensor], Callable[[], Any]]]


def capture_on_cuda(
    run: Callable[[], dict[str, Tensor]],
) -> tuple[dict[str, Tensor], Callable[[], Any]]:
    """Capture what ``run`` does on the GPU, by PyTorch's recipe.

    https://docs.pytorch.org/docs/main/notes/cuda.html#cuda-graphs

    Args:
        run: Function without arguments that reads nothing back from the GPU.

    Returns:
        Its result, whose tensors each replay fills anew, and the function that replays.
    """
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):  # libraries and kernels set themselves up at their first calls
        for _ in range(3):
            run()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        found = run()
    return found, graph.replay


class GraphedNetwork:
    """``encode_decode`` of a model, captured once for each size of batch and replayed.

    Inputs are copied to the captured ones, and logits from there. A graph holds on to the memory of
    its activations, so no more than ``limit`` are made; other sizes run as without graphs, and so
    does all that is not prediction. Weights may change in place; a model that is moved to another
    device or dtype needs new graphs. Threads wait for each other.

    Args:
        network: ``MultiTaskModel.encode_decode``.
        capture: Captures a run.
        limit: Largest number of graphs.
    """

    def __init__(
        self,
        network: Callable[..., dict[str, Tensor]],
        capture: Capture = capture_on_cuda,
        *,
        limit: int = 8,
    ) -> None:
        self._network, self._capture, self._limit = network, capture, limit
        self._graphs: dict[tuple, tuple[Tensor, dict[str, Tensor], Callable[[], Any]]] = {}
        self._lock = Lock()

    def __call__(self, inputs: Tensor | Trunk, rows: Rows) -> dict[str, Tensor]:
        """Compute what the network does.

        Raises:
            ValueError: What the network does cannot be captured, as it reads from the GPU.
        """
        known = isinstance(inputs, Tensor) and isinstance(rows, AllRows) and rows.embedding is None
        if not known or torch.is_grad_enabled():
            return self._network(inputs, rows)
        kind = inputs.device.type
        autocast = torch.is_autocast_enabled(kind) and torch.get_autocast_dtype(kind)
        key = (inputs.shape, inputs.dtype, inputs.device, rows.tasks, autocast)
        with self._lock:
            if key not in self._graphs:
                if len(self._graphs) == self._limit:
                    return self._network(inputs, rows)
                self._graphs[key] = self._captured(inputs, rows)
            images, logits, replay = self._graphs[key]
            images.copy_(inputs)
            replay()
            return {task: values.clone() for task, values in logits.items()}

    def _captured(
        self, inputs: Tensor, rows: AllRows
    ) -> tuple[Tensor, dict[str, Tensor], Callable[[], Any]]:
        images = inputs.clone()

        # in inference mode nothing is taken from a cache, which could free it before the graph
        @torch.inference_mode()
        def run() -> dict[str, Tensor]:
            return self._network(images, rows)

        try:
            return images, *self._capture(run)
        except RuntimeError as error:
            raise ValueError(
                f"graphs=True: predictions of {tuple(inputs.shape)} cannot be captured "
                f"({str(error).splitlines()[0]}): a module reads values from the GPU or makes "
                "tensors of Python numbers there; leave graphs=True out"
            ) from error
