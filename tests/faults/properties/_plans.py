"""Strategy: any valid plan."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import strategies as st

MODULES = ("attention", "norm", "adapter")
Counts = Sequence[int] | str | None


def depths_of(*, stages: int = 4, blocks: int = 5) -> st.SearchStrategy[tuple[int, ...]]:
    """Blocks of each stage of an encoder."""
    return st.lists(st.integers(1, blocks), min_size=1, max_size=stages).map(tuple)


@st.composite
def plans_for(draw: st.DrawFn, depths: Sequence[int], modules: Sequence[str] = MODULES) -> dict:
    """A plan's config for an encoder of these blocks."""
    counts = st.tuples(*(st.integers(0, depth) for depth in depths))
    asked = st.one_of(st.none(), st.just("all"), counts, counts.map(list))
    # a key that is not given is None too
    chosen = draw(st.sets(st.sampled_from(modules)))
    plan = {module: draw(asked) for module in modules if module in chosen}
    if draw(st.booleans()):
        plan["frozen"] = draw(st.booleans())
    if draw(st.booleans()):
        plan["embed_dims"] = draw(st.integers(1, 12))
    return plan


def last_blocks(asked: Counts, depths: Sequence[int]) -> list[list[int]]:
    """Which blocks of each stage are meant."""
    if asked is None:
        return [[] for _ in depths]
    if asked == "all":
        return [[*range(depth)] for depth in depths]
    return [[*range(depth)][depth - count :] for count, depth in zip(asked, depths, strict=True)]
