"""Private names of PyTorch and MMEngine that the package reads: one function for each.

Every docstring names the newest version that it was seen in, and what ends the need. A release that
drops one breaks this file alone. What :mod:`mtlplugins.compat` replaces in these packages is
described there, and subclasses may use what their base class has.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config, ConfigDict
from mmengine.runner import Runner
from torch import Tensor, nn


def is_dispatch_watched() -> bool:
    """Tell whether a ``TorchDispatchMode``, such as a FLOP counter, sees each operation.

    Seen in: PyTorch 2.11 (``torch._C``). Ends: with a public way to ask.
    """
    return torch._C._len_torch_dispatch_stack() > 0


def is_function_transformed() -> bool:
    """Tell whether this runs inside of ``torch.func``, such as ``vmap`` or ``grad``.

    Seen in: PyTorch 2.11 (``torch._C._functorch``). Ends: with a public way to ask.
    """
    return torch._C._functorch.peek_interpreter_stack() is not None


def version_counter(tensor: Tensor) -> int:
    """Count the changes in place that a tensor has seen; it must not be an inference tensor.

    Seen in: PyTorch 2.11 (``Tensor._version``). Ends: with a public attribute.
    """
    return tensor._version


def onednn_linear(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """Compute x Wᵀ + b by oneDNN, without gradients.

    Seen in: PyTorch 2.11 (``torch.ops.mkldnn``). Ends: when ``torch.nn.functional.linear`` uses
    oneDNN for float32 wherever it is the faster one.

    Args:
        x: float32 (M, K).
        weight: float32 (N, K).
        bias: float32 (N,).

    Returns:
        float32 (M, N).
    """
    return torch.ops.mkldnn._linear_pointwise(x, weight, bias, "none", [], "")


def euclidean_norms(tensors: Sequence[Tensor]) -> Sequence[Tensor]:
    """Compute the norm of each tensor, all of them in one kernel.

    Seen in: PyTorch 2.11 (``torch._foreach_norm``). Ends: when ``torch.nn.utils.get_total_norm``
    gives the single norms too.
    """
    return torch._foreach_norm(tensors, 2)


def read_archive_directory(path: Path) -> None:
    """Let PyTorch read the directory of a checkpoint file, and none of its tensors.

    Seen in: PyTorch 2.11 (``torch._C.PyTorchFileReader``). Ends: with a public way to list the
    records of a file.

    Raises:
        RuntimeError: The file is no archive of PyTorch's, or is damaged.
    """
    torch._C.PyTorchFileReader(str(path))


def is_resuming(runner: Runner) -> bool:
    """Tell whether a run goes on from a checkpoint with its state, not from its weights alone.

    Seen in: MMEngine 0.10.7 (``Runner._resume``). Ends: with a public attribute.
    """
    return runner._resume


def accumulated_batches(runner: Runner) -> int:
    """Count the batches whose gradients are added up to one update; 1 for a dict of wrappers.

    Seen in: MMEngine 0.10.7 (``OptimWrapper._accumulative_counts``). Ends: with a public attribute.
    """
    return getattr(runner.optim_wrapper, "_accumulative_counts", 1)


def run_forward(network: nn.Module, data: dict | tuple | list, mode: str) -> Any:
    """Call a network with a batch as its data preprocessor returns it.

    Seen in: MMEngine 0.10.7 (``BaseModel._run_forward``, ``MMDistributedDataParallel`` has it too).
    Ends: with a public method.
    """
    return network._run_forward(data, mode=mode)


def reverses_channels(preprocessor: nn.Module) -> bool:
    """Tell whether a data preprocessor turns BGR into RGB, or RGB into BGR.

    Seen in: MMEngine 0.10.7 (``ImgDataPreprocessor._channel_conversion``); also mmseg's
    ``SegDataPreProcessor`` 1.2.2 (``channel_conversion``). Ends: with one public attribute.
    """
    return preprocessor._channel_conversion


def normalises_images(preprocessor: nn.Module) -> bool:
    """Tell whether a data preprocessor subtracts a mean and divides by a standard deviation.

    Seen in: MMEngine 0.10.7 (``ImgDataPreprocessor._enable_normalize``). Ends: with a public
    attribute.
    """
    return preprocessor._enable_normalize


def config_dict(cfg: Config) -> ConfigDict:
    """Give the dictionary that a config holds, not a copy: what is changed in it changes there.

    Seen in: MMEngine 0.10.7 (``Config._cfg_dict``). Ends: with a public attribute.
    """
    return cfg._cfg_dict
