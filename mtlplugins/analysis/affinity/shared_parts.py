"""Parts of the network that the tasks share: stages, blocks and conditional modules."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from torch import Tensor, nn

from mtlplugins.models import MultiTaskModel
from mtlplugins.models.backbones.conditioned import ConditionedEncoder
from mtlplugins.models.backbones.pretrained import conditional_keys

#: Part of all shared parameters.
ALL = "all"
#: Part of the parameters that only a conditioned encoder has.
CONDITIONAL = "conditional parts"


class Shared(NamedTuple):
    """Parameters of encoder and neck that are trained, and the parts that they belong to.

    Attributes:
        parameters: The parameters, those of a stage and of a block next to each other.
        slices: The ranges of columns of each part in a row of all parameters, end to end.
    """

    parameters: list[nn.Parameter]
    slices: dict[str, list[slice]]

    @property
    def size(self) -> int:
        """Number of columns."""
        return sum(p.numel() for p in self.parameters)

    def views(self, row: Tensor) -> list[Tensor]:
        """Cut a row (P,) into views in the shapes of the parameters."""
        parts = row.split([p.numel() for p in self.parameters])
        return [part.view_as(p) for part, p in zip(parts, self.parameters, strict=True)]


def shared_parts(model: MultiTaskModel) -> Shared:
    """List the shared parameters and their parts.

    A parameter belongs to ``all``; one that only a conditioned encoder has also to ``conditional
    parts`` and to those of its stage, any other to its stage and block. Stages and blocks count
    from 1. In other encoders than the ``Cond*`` ones, the names of parameters say where they are.

    Raises:
        ValueError: Encoder and neck are frozen, or the tasks exchange maps.
    """
    if model.exchange is not None:
        raise ValueError(
            "by model.exchange the loss of a task depends on the maps of the others, so a task has "
            "no gradient of its own: look at the model with model.exchange=None"
        )
    places = _places(model)
    conditional = conditional_keys(model.backbone)
    found: list[tuple[nn.Parameter, list[str]]] = []
    for prefix, module in (("backbone", model.backbone), ("neck", model.neck)):
        for name, p in module.named_parameters() if module is not None else ():
            if p.requires_grad:
                where = _by_name(prefix, name) if not places else ("outside the blocks", None)
                stage, block = places.get(id(p), where)
                parts = [stage] if block is None else [stage, f"{stage}, block {block}"]
                if module is model.backbone and name in conditional:
                    parts = [CONDITIONAL, f"{stage}, {CONDITIONAL}"]
                found.append((p, [ALL, *parts]))
    if not found:
        raise ValueError("encoder and neck are frozen, so the tasks share nothing that is trained")
    slices: dict[str, list[slice]] = {}
    start = 0
    for p, parts in found:
        end = start + p.numel()
        for part in parts:
            ranges = slices.setdefault(part, [])
            if ranges and ranges[-1].stop == start:
                ranges[-1] = slice(ranges[-1].start, end)
            else:
                ranges.append(slice(start, end))
        start = end
    first = {part: slices[part] for part in (ALL, CONDITIONAL) if part in slices}
    return Shared([p for p, _ in found], first | slices)


def _places(model: MultiTaskModel) -> Mapping[int, tuple[str, int]]:
    """Map the parameters of a conditioned encoder's blocks to stage and block."""
    if not isinstance(model.backbone, ConditionedEncoder):
        return {}
    return {
        id(p): (f"stage {i}", j)
        for i, blocks in enumerate(model.backbone._block_stages(), 1)
        for j, block in enumerate(blocks, 1)
        for p in block.parameters()
    }


def _by_name(prefix: str, name: str) -> tuple[str, int | None]:
    """Guess stage and block from a name such as ``layer1.0.conv1.weight``."""
    if prefix == "neck":
        return prefix, None
    first, second, *_ = [*name.split("."), ""]
    return first, int(second) + 1 if second.isdecimal() else None
