"""Classes that are left or right of something, and change places in a mirrored image."""

from __future__ import annotations

from collections.abc import Sequence

Pairs = Sequence[tuple[str, str]]


def exchanged(classes: Sequence[str], pairs: Pairs, where: str) -> dict[int, int]:
    """Return which class each one of the pairs becomes in a mirrored image, by index.

    Args:
        classes: Names of the classes.
        pairs: Names of a class of the left and the one of the right, or the other way round.
        where: Who asks, for errors.

    Raises:
        ValueError: A pair is not of two classes, or a class is in two pairs.
    """
    flat = [name for pair in pairs for name in pair]
    if any(isinstance(pair, str) or len(pair) != 2 for pair in pairs) or not (
        len(set(flat)) == len(flat) and set(flat) <= set(classes)
    ):
        raise ValueError(
            f"{where}: left_right={pairs!r}, give pairs of names of {', '.join(classes)}, each in "
            "one pair, such as [('left arm', 'right arm')]"
        )
    order = list(classes)
    indices = [(order.index(left), order.index(right)) for left, right in pairs]
    return dict(indices) | {right: left for left, right in indices}
