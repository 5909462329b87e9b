"""The reference has every public name, and docstrings have every argument of what configs name."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
from types import ModuleType

import mtlplugins
from tests.test_exports import registered

from .pages import ROOT

DIRECTIVES = [
    name
    for page in sorted((ROOT / "docs/reference").glob("*.md"))
    for name in re.findall(r"^::: (mtlplugins[\w.]+)$", page.read_text(), re.MULTILINE)
]


def resolve(name: str) -> object:
    """Import what a directive names."""
    module, _, attribute = name.rpartition(".")
    try:
        return getattr(importlib.import_module(module), attribute)
    except AttributeError:
        return importlib.import_module(name)


def public() -> dict[str, object]:
    """Return what the packages export, by its name there."""
    found = {}
    for module in pkgutil.walk_packages(mtlplugins.__path__, "mtlplugins."):
        if module.ispkg:
            package = importlib.import_module(module.name)
            for name in getattr(package, "__all__", []):
                found[f"{module.name}.{name}"] = getattr(package, name)
    return found


def test_every_public_name_is_in_the_reference_once() -> None:
    listed = {id(resolve(name)) for name in DIRECTIVES}
    missing = [
        name
        for name, value in public().items()
        if id(value) not in listed and not isinstance(value, ModuleType)
    ]
    assert missing == []
    assert len(DIRECTIVES) == len(set(DIRECTIVES)) > 150


def test_every_workaround_is_in_the_reference() -> None:
    compat = importlib.import_module("mtlplugins.compat")
    modules = {m.name for m in pkgutil.iter_modules(compat.__path__) if m.name[0] != "_"}
    assert {f"mtlplugins.compat.{name}" for name in modules} <= set(DIRECTIVES)


def described(text: str | None) -> set[str]:
    """Return the arguments that a docstring describes."""
    section = re.search(r"^Args:\n((?:[ ]+\S.*\n?|\n)+)", inspect.cleandoc(text or ""), re.M)
    return set(re.findall(r"^    \**(\w+):", section[1], re.M) if section else ())


def documented(entry: type) -> set[str]:
    """Return the arguments that the docstrings of a class and its bases describe."""
    ours = [base for base in entry.__mro__ if base.__module__.startswith("mtlplugins.")]
    return set().union(*(described(b.__doc__) | described(b.__init__.__doc__) for b in ours))


def arguments(entry: type) -> set[str]:
    """Return the arguments of a class, without those that a base of another package has."""
    inherited: set[str] = set()
    for base in entry.__mro__:
        if not base.__module__.startswith("mtlplugins."):
            inherited |= set(inspect.signature(base.__init__).parameters)
    taken = inspect.signature(entry).parameters.values()
    own = {p.name for p in taken if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)}
    return own - inherited


def test_every_argument_is_documented() -> None:
    classes = [entry for entry in registered() if inspect.isclass(entry)]
    missing = {c.__name__: arguments(c) - documented(c) for c in classes}
    assert {name: names for name, names in missing.items() if names} == {}
    assert sum(len(arguments(c)) for c in classes) > 150


def test_docstrings_describe_no_other_arguments() -> None:
    callables = [v for v in public().values() if inspect.isclass(v) or inspect.isfunction(v)]
    other = {
        value.__name__: described(value.__doc__) - set(inspect.signature(value).parameters)
        for value in callables
        if described(value.__doc__)
    }
    assert len(other) > 100
    assert {name: names for name, names in other.items() if names} == {}
