"""Reading and writing of text configs, where MMEngine fails on imports, keys or numbers."""

from __future__ import annotations

import ast
import keyword
import sys
from collections.abc import Callable
from math import isfinite
from typing import Any

from mmengine.config import Config
from mmengine.config import config as mmengine_config

from ._replace import replace_once

#: Suffix of a key that must be quoted: a private-use character, not valid in an identifier.
_MARK = "\ue000"


def read_configs_with_bases_as_text() -> None:
    """Read a config that assigns ``_base_`` as a text config, whatever it imports.

    Breaks: a config with ``import os`` above ``_base_ = …`` is taken for a lazy config, which fails
    with a ConfigParsingError without text; so does one without bases that imports the standard
    library.
    Since: Python 3.11, whose standard modules MMEngine does not recognise (``os`` is frozen, so it
    has no file); other imports were never recognised.
    Ends: when MMEngine asks ``sys.stdlib_module_names``, and looks for ``_base_`` first.
    """
    replace_once(mmengine_config, "_is_builtin_module", _with_standard_library)
    replace_once(Config, "_is_lazy_import", _unless_bases_are_assigned)


def _with_standard_library(original: Callable[[str], bool]) -> Callable[[str], bool]:
    def _is_builtin_module(module_name: str) -> bool:
        return module_name.split(".")[0] in sys.stdlib_module_names or original(module_name)

    return _is_builtin_module


def _unless_bases_are_assigned(original: Callable[[str], bool]) -> Callable[[str], bool]:
    def _is_lazy_import(filename: str) -> bool:
        return not (filename.endswith(".py") and _assigns_bases(filename)) and original(filename)

    return _is_lazy_import


def _assigns_bases(filename: str) -> bool:
    with open(filename, encoding="utf-8") as file:
        statements = ast.parse(file.read(), filename).body
    targets = [t for node in statements if isinstance(node, ast.Assign) for t in node.targets]
    return any(isinstance(target, ast.Name) and target.id == "_base_" for target in targets)


def write_every_key_and_number() -> None:
    """Write configs as valid Python, whatever their keys and numbers are.

    Breaks: a dictionary with a key that is a Python keyword (a task or a class named ``class``,
    ``None`` or ``lambda``) or has an apostrophe is written as ``dict(class=…)``, so a Runner fails
    at its start with a SyntaxError that prints the whole config; ``float("inf")`` is written as
    ``inf``, which cannot be read.
    Since: every MMEngine up to 0.10.7.
    Ends: when MMEngine quotes keys that are keywords or not identifiers.
    """
    if not isinstance(Config.pretty_text, _Text):
        Config.pretty_text = _Text(Config.pretty_text.fget)


class _Text(property):
    """``Config.pretty_text`` with marked keys and numbers, so that they are quoted."""

    def __init__(self, original: Callable[[Any], str]) -> None:
        super().__init__(lambda config: original(_Marked(config)).replace(_MARK, ""))


class _Marked:
    """Proxy of a config with the two members that MMEngine's writer reads."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._format_python_code = config._format_python_code

    def to_dict(self) -> dict:
        """Return the config with marked keys and numbers; only the whole config is asked."""
        return {key: _marked(value) for key, value in self._config.to_dict().items()}


class _Code:
    """A key or value that is written as Python code."""

    def __init__(self, code: str) -> None:
        self.code = code

    def __str__(self) -> str:
        return self.code


def _marked(node: Any) -> Any:
    if isinstance(node, dict):
        return {_marked_key(key): _marked(value) for key, value in node.items()}
    if isinstance(node, (list, tuple)):
        return type(node)(map(_marked, node))
    if isinstance(node, float) and not isfinite(node):
        return _Code(f"float('{node}')")
    return node


def _marked_key(key: Any) -> Any:
    if isinstance(key, str):
        if keyword.iskeyword(key):
            return key + _MARK
        return key if key.isidentifier() else repr('"' + key)[2:-1]  # an apostrophe is escaped
    return _Code(f"({key})") if str(key).isidentifier() else key  # None, True, False
