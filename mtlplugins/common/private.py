"""Access to private names of PyTorch and MMEngine: one function for each.

Every docstring names the newest version in which the name was seen, and what ends the need for it.
A release that drops a name breaks this file alone. Replaced functions (monkey patches) are in
:mod:`mtlplugins.compat`; subclasses may use private names of their base class.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, cast

import torch
from mmengine.config import Config, ConfigDict
from mmengine.runner import Runner
from mmengine.visualization import BaseVisBackend, Visualizer
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_iter


def is_dispatch_watched() -> bool:
    """Return whether a ``TorchDispatchMode``, such as a FLOP counter, is active.

    Seen in: PyTorch 2.11 (``torch._C``). Ends: with a public way to ask.
    """
    return torch._C._len_torch_dispatch_stack() > 0


def is_function_transformed() -> bool:
    """Return whether this runs inside a ``torch.func`` transform, such as ``vmap`` or ``grad``.

    Seen in: PyTorch 2.11 (``torch._C._functorch``). Ends: with a public way to ask.
    """
    return torch._C._functorch.peek_interpreter_stack() is not None


def onednn_linear(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """Compute x Wᵀ + b with oneDNN, without gradients.

    Seen in: PyTorch 2.11 (``torch.ops.mkldnn``). Ends: when ``torch.nn.functional.linear`` uses
    oneDNN for float32 where that is faster.

    Args:
        x: float32 (M, K).
        weight: float32 (N, K).
        bias: float32 (N,).

    Returns:
        float32 (M, N).
    """
    return torch.ops.mkldnn._linear_pointwise(x, weight, bias, "none", [], "")


def euclidean_norms(tensors: list[Tensor]) -> Sequence[Tensor]:
    """Compute the L2 norm of each tensor, with one fused kernel for all.

    Seen in: PyTorch 2.11 (``torch._foreach_norm``). Ends: when ``torch.nn.utils.get_total_norm``
    returns the norm of each tensor too.
    """
    return torch._foreach_norm(tensors, 2)


def read_archive_directory(path: Path) -> None:
    """Read the directory of a checkpoint file with PyTorch's reader, and none of its tensors.

    Seen in: PyTorch 2.11 (``torch._C.PyTorchFileReader``). Ends: with a public way to list the
    records of a file.

    Raises:
        RuntimeError: The file is not a PyTorch archive, or is damaged.
    """
    torch._C.PyTorchFileReader(str(path))


def copy_versions(state: Any, copy: Any) -> None:
    """Copy the modules' versions, by which older checkpoints are converted, to a copied state dict.

    Seen in: PyTorch 2.11 (``_metadata`` of what ``Module.state_dict`` returns). Ends: with a public
    attribute.
    """
    if hasattr(state, "_metadata"):
        copy._metadata = state._metadata


def is_resuming(runner: Runner) -> bool:
    """Return whether a run resumes from a checkpoint: training state, not weights alone.

    Seen in: MMEngine 0.10.7 (``Runner._resume``). Ends: with a public attribute.
    """
    return runner._resume


def accumulated_batches(runner: Runner) -> int:
    """Return the number of batches per update (gradient accumulation); 1 for a dict of wrappers.

    Seen in: MMEngine 0.10.7 (``OptimWrapper._accumulative_counts``). Ends: with a public attribute.
    """
    return getattr(runner.optim_wrapper, "_accumulative_counts", 1)


def run_forward(network: nn.Module, data: dict | tuple | list, mode: str) -> Any:
    """Call a network, or its DDP wrapper, with a batch from its data preprocessor.

    Seen in: MMEngine 0.10.7 (``BaseModel._run_forward``, ``MMDistributedDataParallel`` has it too).
    Ends: with a public method.
    """
    return cast(Any, network)._run_forward(data, mode=mode)


def reverses_channels(preprocessor: nn.Module) -> bool:
    """Return whether a data preprocessor swaps BGR and RGB.

    Seen in: MMEngine 0.10.7 (``ImgDataPreprocessor._channel_conversion``); also mmseg's
    ``SegDataPreProcessor`` 1.2.2 (``channel_conversion``). Ends: with one public attribute.
    """
    return bool(preprocessor._channel_conversion)


def normalises_images(preprocessor: nn.Module) -> bool:
    """Return whether a data preprocessor subtracts a mean and divides by a standard deviation.

    Seen in: MMEngine 0.10.7 (``ImgDataPreprocessor._enable_normalize``). Ends: with a public
    attribute.
    """
    return bool(preprocessor._enable_normalize)


def config_dict(cfg: Config) -> ConfigDict:
    """Return the dictionary inside a config, not a copy; changes to it change the config.

    Seen in: MMEngine 0.10.7 (``Config._cfg_dict``). Ends: with a public attribute.
    """
    return cfg._cfg_dict


def is_plain_transformer(network: nn.Module) -> bool:
    """Return whether a network of timm is a transformer of one resolution, such as a ViT.

    Seen in: timm 1.0.31 (``_pos_embed`` of ``VisionTransformer`` and ``Eva``). Ends: with a public
    way to tell.
    """
    return hasattr(network, "_pos_embed")


def embed_timm_positions(network: Any, patches: Tensor) -> tuple[Tensor, Tensor | None]:
    """Add positions, class and register tokens to the patches of a plain transformer of timm.

    Seen in: timm 1.0.31 (``VisionTransformer._pos_embed`` and ``Eva._pos_embed``). Ends: with a
    public way to the input of the first block.

    Args:
        network: The network, made with ``dynamic_img_size=True``.
        patches: Its embedded patches (B, h, w, C).

    Returns:
        Tokens (B, L, C), and rotary positions; None for a network without.
    """
    found = network._pos_embed(patches)
    return found if isinstance(found, tuple) else (found, None)


def backends_of(visualizer: Visualizer) -> list[BaseVisBackend]:
    """Return the backends of a visualizer.

    Seen in: MMEngine 0.10.7 (``Visualizer._vis_backends``). Ends: with a public way to list them.
    """
    return list(visualizer._vis_backends.values())


def tensors_without_data() -> AbstractContextManager:
    """Return a context in which operators know shapes and types, and compute nothing.

    Seen in: PyTorch 2.11 (``torch._subclasses.FakeTensorMode``). Ends: with a public name for it.
    """
    return FakeTensorMode()


def watched_operators(
    run: Callable[[Any, tuple, dict[str, Any]], Any],
) -> AbstractContextManager:
    """Return a context in which ``run(operator, args, kwargs)`` takes the place of each operator.

    Seen in: PyTorch 2.11 (``torch.utils._python_dispatch``). Ends: with a public name for it.
    """

    class Watched(TorchDispatchMode):
        def __torch_dispatch__(
            self, func: Any, types: Any, args: tuple = (), kwargs: dict | None = None
        ) -> Any:
            return run(func, args, kwargs or {})

    return Watched()


def reads_a_number(operator: Any) -> bool:
    """Return whether an operator of ATen turns a tensor into a number of Python.

    Seen in: PyTorch 2.11 (``aten._local_scalar_dense``). Ends: with a public name for it.
    """
    return operator is torch.ops.aten._local_scalar_dense.default


def tensors_of(result: Any) -> Iterator[Tensor]:
    """Yield the tensors in what an operator returned.

    Seen in: PyTorch 2.11 (``torch.utils._pytree``). Ends: when ``torch.utils.pytree`` is public.
    """
    return (leaf for leaf in tree_iter(result) if isinstance(leaf, Tensor))
