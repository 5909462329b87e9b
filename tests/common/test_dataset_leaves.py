from __future__ import annotations

from types import SimpleNamespace as Wrapper

from mtlplugins.common.dataset_leaves import parts_of


def test_innermost_data_sets_in_order() -> None:
    assert list(parts_of("a")) == ["a"]
    assert list(parts_of(Wrapper(dataset=Wrapper(dataset="a")))) == ["a"]
    joined = Wrapper(datasets=["a", Wrapper(dataset="b"), Wrapper(datasets=["c", "a"])])
    assert list(parts_of(Wrapper(dataset=joined))) == ["a", "b", "c", "a"]
