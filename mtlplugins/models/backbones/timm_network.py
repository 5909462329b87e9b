"""Networks of timm: made without a download, cut behind their last map, and read step by step."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from math import prod
from typing import Any, NamedTuple

import timm
import torch
from timm.models import get_pretrained_cfg
from torch import Tensor, nn

_LISTS = (nn.Sequential, nn.ModuleList)
_NORMS = (nn.LayerNorm, nn.GroupNorm, nn.BatchNorm2d)  # with an activation, of several parts


#: Classes whose steps tests hold against timm; those of others are compared when they are made.
_KNOWN = (
    "VisionTransformer",
    "Eva",
    "SwinTransformer",
    "SwinTransformerV2",
    "ConvNeXt",
    "MobileNetV3",
    "EfficientNet",
    "ResNet",
)


class Step(NamedTuple):
    """A module of a network, which maps what the one before it returned.

    Attributes:
        name: Its name in the network.
        block: Stage and index in the stage of a residual block; None for another layer.
        feature: Index of the feature that is its output; None if it is none.
    """

    name: str
    block: tuple[int, int] | None
    feature: int | None


def make_network(
    model_name: str, out_indices: Sequence[int] | None, settings: Mapping[str, Any]
) -> tuple[Any, tuple[int, ...]]:
    """Make a network of timm with random weights, for images of any size, without a classifier.

    Args:
        model_name: Name of the model in timm.
        out_indices: Features that are returned, negative ones from the last; None for all.
        settings: Arguments of timm's model.

    Returns:
        The network, which ends behind the last of the features, and their indices, ascending.

    Raises:
        ValueError: timm has no model of that name, or the model no such features.
    """
    # timm's word for transformers that are built for one image size
    fixed = _config_of(model_name).fixed_input_size
    given: dict[str, Any] = (dict(dynamic_img_size=True) if fixed else {}) | dict(settings)
    try:
        network: Any = timm.create_model(model_name, pretrained=False, **given)
    except TypeError as error:
        raise ValueError(
            f"CondTimmBackbone: model_name={model_name!r}, model_args={dict(settings)}: {error}"
            + ("; it takes images of one size alone" if "dynamic_img_size" in str(error) else "")
        ) from error
    if not hasattr(network, "prune_intermediate_layers"):
        raise ValueError(_refusal(network))
    count = len(network.feature_info)
    asked = range(count) if out_indices is None else out_indices
    kept = sorted({index + count if index < 0 else index for index in asked})
    if not kept or kept[0] < 0 or kept[-1] >= count:
        raise ValueError(
            f"CondTimmBackbone: out_indices={out_indices}: {model_name} has features 0 to "
            f"{count - 1}"
        )
    network.prune_intermediate_layers(kept, prune_norm=True)
    return network, tuple(kept)


def _config_of(model_name: str) -> Any:
    try:
        config = get_pretrained_cfg(model_name) if timm.is_model(model_name) else None
    except RuntimeError:  # no such tag
        config = None
    if config is None:
        known = [*timm.list_models(), *timm.list_pretrained()]
        near = ", ".join(get_close_matches(model_name, known)) or "none"
        raise ValueError(
            f"model_name={model_name!r}: timm {timm.__version__} has no model of that name; "
            f"nearest: {near} (timm.list_models() lists all)"
        )
    return config


def steps_of(network: Any, features: int) -> tuple[tuple[Step, ...], list[int]]:
    """List the modules of a network in the order in which they run.

    timm names the module behind each feature, and registers modules in the order in which they
    run, as its own ``FeatureListNet`` presumes. Lists are opened, and stages, which contain lists
    of blocks. Blocks are the members of lists that consist of several layers; other layers are the
    stem or change the size of the map.

    The blocks up to a feature are a stage. In a plain transformer each block is a feature, and all
    blocks are one stage.

    Args:
        network: Network of timm.
        features: How many of its features are needed.

    Returns:
        The steps, and the number of blocks of each stage.

    Raises:
        ValueError: A feature is not the output of one of the modules.
    """
    names = [info["module"] for info in network.feature_info][:features]
    layers = list(_layers(network, ""))
    last: dict[str, int] = {}
    for i, (layer, _) in enumerate(layers):
        last |= {name: i for name in names if f"{layer}.".startswith(f"{name}.")}
    if len(last) < len(names):
        raise ValueError(_refusal(network))
    ends = [last[name] for name in names]
    one_stage = all(layers[i] == (name, True) for i, name in zip(ends, names, strict=True))
    depths = [0] * (1 if one_stage else features)
    steps = []
    for i, (name, is_block) in enumerate(layers[: ends[-1] + 1]):
        stage = 0 if one_stage else bisect_left(ends, i)
        block = (stage, depths[stage]) if is_block else None
        depths[stage] += is_block
        steps.append(Step(name, block, ends.index(i) if i in ends else None))
    return tuple(steps), depths


@torch.no_grad()
def compare(
    network: Any, out_indices: Sequence[int], encode: Callable[[Tensor], Sequence[Tensor]]
) -> None:
    """Check that a network's steps lead to timm's features, for a class that tests do not hold.

    Raises:
        ValueError: They do not.
    """
    if type(network).__name__ in _KNOWN:
        return
    channels, *usual = network.pretrained_cfg["input_size"]
    size = getattr(getattr(network, "patch_embed", None), "img_size", None) or usual
    x = torch.linspace(-1, 1, channels * prod(size)).view(1, channels, *size)
    training = network.training
    network.eval()
    try:
        wanted = network.forward_intermediates(
            x, indices=list(out_indices), intermediates_only=True
        )
        same = all(
            torch.allclose(ours, theirs, rtol=1e-4, atol=1e-5)
            for ours, theirs in zip(encode(x), wanted, strict=True)
        )
    except (AttributeError, RuntimeError, TypeError, ValueError):  # its blocks take other arguments
        same = False
    network.train(training)
    if not same:
        raise ValueError(_refusal(network))


def is_known(network: Any) -> bool:
    """Return whether tests hold the blocks of a network's class or of a base class of it."""
    return any(kind.__name__ in _KNOWN for kind in type(network).__mro__)


def _refusal(network: Any) -> str:
    return (
        f"timm's {type(network).__name__} cannot be conditioned: its features are not those of its "
        f"layers one after the other. Those of {', '.join(_KNOWN)} are (docs/encoders.md); "
        "TIMMBackbone takes others without a plan"
    )


def _layers(module: nn.Module, name: str) -> Iterator[tuple[str, bool]]:
    """List the layers of a module by name, and whether each is a residual block."""
    for own, child in module.named_children():
        path = f"{name}.{own}" if name else own
        if isinstance(child, _LISTS) or _is_stage(child):
            yield from _layers(child, path)
        elif not isinstance(child, nn.Identity):
            yield path, isinstance(module, _LISTS) and _is_composed(child)


def _is_stage(module: nn.Module) -> bool:
    lists = (m for m in module.modules() if isinstance(m, _LISTS))
    return any(_is_composed(member) for members in lists for member in members)


def _is_composed(module: nn.Module) -> bool:
    several = any(module.children()) and not isinstance(module, (*_LISTS, *_NORMS))
    return several and any(True for _ in module.parameters())
