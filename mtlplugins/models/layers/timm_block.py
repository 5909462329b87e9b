"""timm's residual blocks with conditional modules, for whatever class of block."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache, partial
from inspect import signature
from typing import Any, cast

import timm.layers
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

from mtlplugins.models.conditioning import Condition, ConditionalModule

from .conditional_block import ConditionalBlock
from .token_attention import resize_row_blocks

#: Parts of a block whose norms are not the block's own.
_INNER = {"attn", "mlp", "se", "downsample", "shortcut", "q_norm", "k_norm"}
#: What timm calls the linear layers that the tokens of a block go through.
_LINEARS = {"qkv", "q_proj", "k_proj", "v_proj", "gate", "proj", "fc1", "fc1_g", "fc1_x", "fc2"}
_NORMS = (nn.LayerNorm, nn.GroupNorm, nn.BatchNorm2d, nn.SyncBatchNorm)
_LAYER_NORMS = (nn.LayerNorm, timm.layers.LayerNorm)  # others of their subclasses are of maps
_MASKS = ("attn_mask", "mask")  # what timm calls the additive bias of attention logits
#: Classes that call ``q_norm`` on queries (R, heads, L, d) and ``norm`` on the heads' output.
_OF_HEADS = ("Attention", "AttentionRope", "EvaAttention")


class TimmBlock(ConditionalBlock):
    """Mixin before a block class of timm, whose forward pass stays as it is.

    timm's blocks call their norms, linear layers and attention, which know no task. Hooks on these
    apply the conditional modules: behind a norm, after a linear layer, on the additive bias of the
    attention, on the output of its heads. The block keeps the rows' tasks for them while it runs.

    Attributes:
        layout: What its input is: ``"tokens"`` (R, L, C), ``"NHWC"`` or ``"NCHW"``.
        grid: Height and width of the patch grid that conditional attention between all tokens is
            learned for; None in a block of maps.
        with_cp: Recompute the block in the backward pass to save memory.
    """

    places = ("logits", "norms", "linears", "memory", "beside")
    layout: str
    grid: tuple[int, int] | None
    with_cp: bool
    attn: nn.Module
    attention_bias: Tensor  # of a folded block: (1, N, N)
    _names: tuple[str, ...]
    _mask: str | None
    _condition: Condition | None
    _grid: tuple[int, int] | None
    _shortcut: Tensor | None
    _query: Tensor | None

    @property
    def width(self) -> int:
        """Channels of the block's output, which are those of its last norm."""
        return self._gain(self.norms[-1]).numel()

    @property
    def linears(self) -> list[str]:
        """Names of the linear layers of the attention and the MLP."""
        return list(self._names)

    def lacks(self, place: str) -> str | None:
        """Say what the block lacks to carry a module in a place; None if it can carry it."""
        if place == "norms" and not self.norms:
            return "no LayerNorm, batch norm or group norm with gain and bias"
        if place == "linears" and not self._names:
            return "no linear layers"
        if place == "beside" and not (self.norms and getattr(self, "has_skip", True)):
            return "no shortcut, as it changes the size or the channels of the map"
        if place in ("logits", "memory") and not hasattr(self, "attn"):
            return "no attention"
        if place == "memory" and not self._has_heads():
            return f"a {type(self.attn).__name__} whose heads cannot read prompts"
        if place == "logits" and self._mask is None:
            return f"a {type(self.attn).__name__} that takes no additive bias between tokens"
        return None

    def forward(
        self, x: Tensor, condition: Condition | None = None, *, grid: Any = None, **given: Any
    ) -> Tensor:
        """Transform rows, or images if the block carries no conditional module.

        Args:
            x: Tokens or map, as ``layout`` says.
            condition: The rows' tasks; only read by conditional modules.
            grid: Height and width of the patch grid of tokens.
            given: Further arguments of timm's block, such as rotary positions.

        Returns:
            As ``x``.
        """
        if self.with_cp and torch.is_grad_enabled():
            return checkpoint(self._run, x, condition, grid, given, use_reentrant=False)
        return self._run(x, condition, grid, given)

    def attach(self, modules: Mapping[str, Mapping[str, int]], *, embed_dims: int) -> None:
        """Add conditional modules; see :class:`ConditionalBlock`."""
        super().attach(modules, embed_dims=embed_dims)
        for i, name in enumerate(self._names if self.has_at("linears") else ()):
            self._linear(name).register_forward_hook(partial(self._add_to_linear, i))
        if self.has_at("logits"):
            self.attn.register_forward_pre_hook(self._add_to_logits, with_kwargs=True)
        if self.has_at("memory"):
            self._part("attn.q_norm").register_forward_hook(self._keep_query)
            self._part("attn.norm").register_forward_pre_hook(self._add_memory)
        if self.has_at("beside") and isinstance(getattr(self, "downsample", None), nn.Module):
            self._part("downsample").register_forward_hook(self._keep_shortcut)
        self._follow_norms()

    def train(self, mode: bool = True) -> TimmBlock:
        """Set the mode."""
        self._follow_norms()  # converted to synchronised ones, batch norms lose their hooks
        return super().train(mode)

    def _run(self, x: Tensor, condition: Condition | None, grid: Any, given: Any) -> Tensor:
        self._condition, self._grid = condition, grid
        y = super().forward(x, **given)
        if self.has_at("beside"):
            shortcut = x if self._shortcut is None else self._shortcut
            out = self.beside(self._to_tokens(shortcut), self._to_tokens(y), condition)
            y = self._to_map(out, y)
        self._condition = self._grid = self._shortcut = self._query = None
        return y

    def _to_tokens(self, x: Tensor) -> Tensor:
        """Flatten a map to (R, L, C)."""
        if self.layout == "tokens":
            return x
        return x.flatten(1, 2) if self.layout == "NHWC" else x.flatten(2).transpose(1, 2)

    def _to_map(self, x: Tensor, like: Tensor) -> Tensor:
        """Undo :meth:`_to_tokens`."""
        if self.layout == "tokens":
            return x
        return x.view_as(like) if self.layout == "NHWC" else x.transpose(1, 2).reshape(like.shape)

    def _part(self, name: str) -> Any:
        return self.get_submodule(name)

    def _gain(self, norm: str) -> Tensor:
        return self._part(norm).weight

    def _put_norms(self, kind: type[ConditionalModule], _: str, **settings: int) -> None:
        for name in self.norms:
            norm, channels = self._part(name), self._gain(name).numel()
            if type(norm) in _LAYER_NORMS:
                made = kind(channels, eps=norm.eps, **settings).to(self._gain(name))
                made.load_state_dict(norm.state_dict(), strict=False)
                made.register_forward_pre_hook(self._give_condition)
                self._replace(name, made)
            elif kind.after_norm is None:
                raise ValueError(f"{kind.__name__} cannot follow a norm: it has no after_norm")
            else:
                self.add_module(_follower(name), kind.after_norm(channels, **settings))

    def _follow_norms(self) -> None:
        """Let the modules that follow norms follow them, where they do not yet."""
        for name in self.norms if self.has_at("norms") else ():
            norm = self._part(name)
            # timm's norms with an activation call a dropout before it
            between = hasattr(norm, "drop") and hasattr(norm, "act")
            followed: Any = norm.drop if between else norm
            if not hasattr(self, _follower(name)) or hasattr(followed, "is_followed"):
                continue
            followed.is_followed = True
            if between:
                followed.register_forward_pre_hook(partial(self._modulate_input, name))
            else:
                followed.register_forward_hook(partial(self._modulate, name))

    def _fold_norms(self, z: Tensor) -> None:
        for name in self.norms:
            norm = self._part(name)
            if isinstance(norm, ConditionalModule):
                self._replace(name, norm.folded(z))
            else:
                self._part(_follower(name)).fold_into(norm, z)
                delattr(self, _follower(name))

    def _replace(self, name: str, module: nn.Module) -> None:
        parent, _, own = name.rpartition(".")
        setattr(self._part(parent), own, module)

    def _put_linears(self, kind: type[ConditionalModule], attribute: str, **settings: int) -> None:
        attn: Any = getattr(self, "attn", None)
        if hasattr(attn, "qkv_bias_separate"):
            attn.qkv_bias_separate = True  # else timm reads the weight alone, and no hook runs
        super()._put_linears(kind, attribute, **settings)

    def _put_memory(self, kind: type[ConditionalModule], attribute: str, **settings: int) -> None:
        # all heads together may be wider or narrower than the block
        self.add_module(attribute, kind(self._linear("attn.proj").in_features, **settings))

    def _has_heads(self) -> bool:
        own = all(isinstance(getattr(self.attn, n, None), nn.Module) for n in ("q_norm", "norm"))
        return own and type(self.attn).__name__ in _OF_HEADS and self.layout == "tokens"

    def _attended(self) -> tuple[int, int]:
        height, width = self.grid or cast("Any", self).window_size
        return height * width, width

    def _fold_logits(self, matrix: Tensor) -> None:
        self.register_buffer("attention_bias", matrix)

    # hooks, which find nothing to do in a folded block, but for the bias of its attention

    def _give_condition(self, norm: nn.Module, args: tuple[Tensor]) -> tuple:
        return (*args, self._condition)

    def _modulate(self, name: str, norm: nn.Module, args: tuple[Tensor], y: Tensor) -> Tensor:
        if not self.has_at("norms"):
            return y
        return self._part(_follower(name))(y, self._condition)

    def _modulate_input(self, name: str, drop: nn.Module, args: tuple[Tensor]) -> tuple[Tensor]:
        return (self._modulate(name, drop, args, args[0]),)

    def _add_to_linear(self, i: int, layer: nn.Module, args: tuple[Tensor], y: Tensor) -> Tensor:
        for modules in self._modules_in("linears"):
            assert self._condition is not None  # encoders check it
            rows = self._condition.task_index.shape[0]
            x = args[0].unflatten(0, (rows, -1))  # (R, windows or 1, ..., K)
            y = y + modules[i](x, self._condition).flatten(0, 1)
        return y

    def _add_to_logits(self, attn: nn.Module, args: tuple[Tensor], given: dict) -> tuple:
        condition, windows = self._condition, args[0].shape[0]
        matrix = self.logits(condition)  # (T, N, N)
        if matrix is None:
            matrix = self.attention_bias  # (1, N, N)
        if self.layout == "tokens":
            assert self.grid is not None
            matrix = resize_row_blocks(matrix, self.grid, self._grid or self.grid)
            extra = args[0].shape[1] - matrix.shape[1]  # of a class token and registers
            matrix = F.pad(matrix, (extra, 0, extra, 0))
        if self.carries:
            assert condition is not None  # encoders check it
            matrix = condition.per_row(matrix)
            windows = windows // condition.task_index.shape[0]
        bias = matrix[:, None]  # (R or 1, heads or windows, N, N)
        mask = given.get(self._mask)
        if self.layout != "tokens":  # timm takes one for each window of the batch
            if mask is None and self.carries:
                bias = bias.expand(-1, windows, -1, -1)
            bias = (bias if mask is None else bias + mask).flatten(0, 1)
        elif mask is not None:
            bias = bias + mask
        return args, {**given, self._mask: bias}

    def _keep_query(self, layer: nn.Module, args: tuple[Tensor], query: Tensor) -> None:
        self._query = query  # before any rotation: a prompt has no place in the image

    def _add_memory(self, layer: nn.Module, args: tuple[Tensor]) -> tuple[Tensor]:
        assert self._query is not None
        (x,) = args  # (R, L, heads · d)
        for module in self._modules_in("memory"):
            x = x + module(self._query, self._condition).transpose(1, 2).flatten(2)
        return (x,)

    def _keep_shortcut(self, layer: nn.Module, args: tuple[Tensor], y: Tensor) -> None:
        self._shortcut = y


def timm_block(
    block: nn.Module, layout: str, *, grid: tuple[int, int] | None, with_cp: bool
) -> TimmBlock:
    """Turn a block of timm into a :class:`TimmBlock` of its own class, in place.

    Parameters and their names stay. For the arguments see :class:`TimmBlock`.
    """
    names = [(n, m) for n, m in block.named_modules() if not _INNER & set(n.split("."))]
    attn: Any = getattr(block, "attn", None)
    takes = signature(type(attn).forward).parameters if attn is not None else ()
    between_tokens = layout == "tokens" or hasattr(block, "window_size")
    block.__class__ = _class_of(type(block))
    made = cast("TimmBlock", block)
    made.norms = tuple(n for n, m in names if isinstance(m, _NORMS) and _is_affine(m))
    made._names = tuple(
        name
        for name, module in block.named_modules()
        if isinstance(module, nn.Linear) and name.rpartition(".")[2] in _LINEARS
    )
    made._mask = next((n for n in _MASKS if n in takes and between_tokens), None)
    made.layout, made.grid, made.with_cp = layout, grid, with_cp
    made._condition = made._grid = made._shortcut = made._query = None
    return made


@cache
def _class_of(kind: type[nn.Module]) -> type[TimmBlock]:
    return type(f"Cond{kind.__name__}", (TimmBlock, kind), dict(__module__=__name__))


def _is_affine(norm: Any) -> bool:
    return norm.weight is not None and norm.bias is not None


def _follower(norm: str) -> str:
    """Name the module that follows a norm."""
    return "conditional_" + norm.replace(".", "_")
