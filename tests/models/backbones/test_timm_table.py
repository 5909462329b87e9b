"""docs/encoders.md says what the blocks of each family of timm can carry."""

from __future__ import annotations

from pathlib import Path

import mtlplugins
from mtlplugins.models import CondTimmBackbone
from mtlplugins.models.layers import TimmBlock
from tests.models.backbones._timm import FAMILIES, cond_timm

DOCS = Path(mtlplugins.__file__).parent.parent / "docs/encoders.md"


def cell(encoder: CondTimmBackbone, place: str) -> str:
    """How many of the last blocks of each stage have room."""
    stages = encoder._block_stages()
    counts = []
    for blocks in stages:
        able = [not block.lacks(place) for block in blocks]
        counts.append(len(able) if all(able) else able[::-1].index(False))
    if counts == [len(blocks) for blocks in stages]:
        return "yes"
    return f"({', '.join(map(str, counts))})" if any(counts) else "no"


def norms(encoder: CondTimmBackbone) -> str:
    if cell(encoder, "norms") != "yes":
        return cell(encoder, "norms")
    block: TimmBlock = encoder._block_stages()[-1][-1]
    plain = type(block.get_submodule(block.norms[0])).__name__ == "LayerNorm"
    return "LayerNorm" if plain else "FiLM"


def table() -> str:
    lines = [
        "| family | tried with | blocks of each stage | `attention` | `norm` | `adapter` "
        "| `low_rank`, `singular` | `prompts` |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for family, (name, _, _) in FAMILIES.items():
        encoder = cond_timm(family)
        cells = [
            family,
            f"`{name}`",
            ", ".join(str(len(blocks)) for blocks in encoder._block_stages()),
            cell(encoder, "logits"),
            norms(encoder),
            cell(encoder, "beside"),
            cell(encoder, "linears"),
            cell(encoder, "memory"),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def test_the_docs_have_the_table():
    assert table() in DOCS.read_text()
