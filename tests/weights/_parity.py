"""Random networks of other libraries, and their maps as our encoders return them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import torch
from mmseg.registry import MODELS
from torch import Tensor, nn
from torch.nn.functional import layer_norm


def randomise(network: nn.Module) -> nn.Module:
    """Give a network in eval mode weights in float64 under which every tensor matters."""
    generator = torch.Generator().manual_seed(0)
    network.double().eval()
    with torch.no_grad():
        for name, tensor in network.state_dict().items():
            if tensor.is_floating_point():
                noise = torch.randn(tensor.shape, generator=generator, dtype=torch.float64)
                spread = 0.5 if "bias_table" in name else 0.1
                tensor.copy_(noise.abs() + 0.5 if "running_var" in name else spread * noise)
                if "norm" in name and name.endswith("weight"):
                    tensor.add_(1.0)
    return network


def image(size: tuple[int, int] = (224, 224)) -> Tensor:
    generator = torch.Generator().manual_seed(1)
    return torch.randn(1, 3, *size, generator=generator, dtype=torch.float64)


def outputs(network: nn.Module, parts: Sequence[nn.Module], x: Tensor) -> list[Tensor]:
    """What each part returns in a pass of the network."""
    found: list[Tensor] = []
    hooks = [part.register_forward_hook(lambda _m, _i, out: found.append(out)) for part in parts]
    with torch.no_grad():
        network(x)
    for hook in hooks:
        hook.remove()
    return found


def loaded(config: Mapping, file: Path) -> nn.Module:
    """One of our encoders with the weights of a file, in float64."""
    encoder = MODELS.build(dict(config, init_cfg=dict(type="Pretrained", checkpoint=str(file))))
    encoder.init_weights()
    return encoder.double().eval()


def normalised(maps: Sequence[Tensor], last: Callable[[Tensor], Tensor]) -> list[Tensor]:
    """Maps (B, H, W, C) as our Swin returns them where a file has the last norm alone."""
    *inner, end = maps
    out = [*(layer_norm(x, x.shape[-1:]) for x in inner), last(end)]
    return [x.permute(0, 3, 1, 2) for x in out]
