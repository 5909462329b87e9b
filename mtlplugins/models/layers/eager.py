"""Whether code runs eagerly on plain tensors, so that Python side effects are safe."""

from __future__ import annotations

import torch


def runs_eagerly() -> bool:
    """Whether nothing is traced, compiled, watched by a dispatch mode or transformed by functorch.

    The two private calls were seen in PyTorch 2.4 to 2.11.
    """
    if torch.compiler.is_compiling() or torch.jit.is_tracing():
        return False  # first: a compiler cannot look at what follows
    watched = torch._C._len_torch_dispatch_stack() > 0
    return not watched and not torch._C._functorch.peek_interpreter_stack()
