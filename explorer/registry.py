"""Plug-ins by folder: a new file in a plug-in folder is a new method, no list is edited.

A plug-in folder's module `spectral.py` holds one public function `spectral`; its keyword-only arguments are its
options, from which command line and pages build their forms. Names are read from the folder without importing
anything, so that listing methods costs nothing; a method's heavy imports happen when it is called.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import typing
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from explorer.errors import UnknownNameError


@dataclass(frozen=True)
class Option:
    """One keyword-only argument of a plug-in: its type, default and, for a Literal, the allowed values."""

    name: str
    type: Any
    default: Any
    choices: tuple[Any, ...] = ()


def names(package: str) -> tuple[str, ...]:
    """Names of the methods in a plug-in package ("explorer.projections"), sorted; nothing is imported but it."""
    paths = importlib.import_module(package).__path__
    return tuple(sorted(m.name for m in pkgutil.iter_modules(paths) if not m.name.startswith("_")))


def find(package: str, name: str) -> Callable[..., Any]:
    """The method called `name`; UnknownNameError lists the ones there are."""
    known = names(package)
    if name not in known:
        raise UnknownNameError(package.rpartition(".")[2].removesuffix("s") + " method", name, known)
    return typing.cast(Callable[..., Any], getattr(importlib.import_module(f"{package}.{name}"), name))


def options(function: Callable[..., Any]) -> tuple[Option, ...]:
    """The options of a method, in the order of its signature."""
    hints = typing.get_type_hints(function)
    found = []
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY:
            kind = hints.get(parameter.name, Any)
            choices = typing.get_args(kind) if typing.get_origin(kind) is typing.Literal else ()
            found.append(Option(parameter.name, kind, parameter.default, choices))
    return tuple(found)
