from __future__ import annotations

from types import SimpleNamespace as Wrapper

from mtlplugins.common.dataset_leaves import leaf_datasets


def test_innermost_data_sets_in_order() -> None:
    assert list(leaf_datasets("a")) == ["a"]
    assert list(leaf_datasets(Wrapper(dataset=Wrapper(dataset="a")))) == ["a"]
    joined = Wrapper(datasets=["a", Wrapper(dataset="b"), Wrapper(datasets=["c", "a"])])
    assert list(leaf_datasets(Wrapper(dataset=joined))) == ["a", "b", "c", "a"]
