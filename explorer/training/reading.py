"""Frozen values out of plain mappings: no unknown key, no missing one, every value of its type.

A field's metadata may give it another key in the file ("key"). Ranges, and names that refer to each other, are checked
by whoever owns the values.
"""

from __future__ import annotations

import dataclasses
import difflib
import math
import types
import typing
from collections.abc import Iterable, Mapping
from typing import Any, Literal

from explorer.errors import RecipeError

_WORDS = {int: "a whole number", float: "a finite number (write 1.0e-3, not 1e-3)", str: "a text",
          bool: "true or false"}


def build(kind: Any, raw: Any, where: str) -> Any:
    """The frozen value `kind` of a mapping; RecipeError names the place, what came and what is allowed."""
    if not isinstance(raw, Mapping):
        raise RecipeError(f"{where} must be a mapping of keys to values, got {type(raw).__name__}.")
    fields = {key_of(f): f for f in dataclasses.fields(kind)}
    hints = typing.get_type_hints(kind)
    for key in raw:
        if key not in fields:
            raise RecipeError(f"{where}: unknown key {key!r}.{nearest(str(key), fields)} Allowed: "
                              f"{', '.join(fields)}.")
    for name, field in fields.items():
        required = field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
        if required and name not in raw:
            raise RecipeError(f"{where}: the key {name!r} is missing.")
    return kind(**{fields[key].name: value_of(hints[fields[key].name], value, f"{where}.{key}")
                   for key, value in raw.items()})


def key_of(field: dataclasses.Field[Any]) -> str:
    """The key under which a field stands in the file."""
    return str(field.metadata.get("key", field.name))


def nearest(came: str, known: Iterable[str]) -> str:
    """A question for the name that was probably meant; empty where none is near."""
    near = difflib.get_close_matches(came, list(known), n=1, cutoff=0.4)
    return f" Did you mean {near[0]!r}?" if near else ""


def value_of(hint: Any, raw: Any, where: str) -> Any:
    """A value of the type that `hint` says; RecipeError if it is none."""
    origin, inside = typing.get_origin(hint), typing.get_args(hint)
    if origin in (types.UnionType, typing.Union):
        return _one_of(inside, raw, where)
    if dataclasses.is_dataclass(hint):
        return build(hint, raw, where)
    if origin is tuple:
        if not isinstance(raw, list):
            raise RecipeError(f"{where} must be a list, got {raw!r}.")
        return tuple(value_of(inside[0], item, f"{where}[{i}]") for i, item in enumerate(raw))
    if origin is Literal:
        if raw not in inside:
            raise RecipeError(f"{where} is {raw!r}; allowed: {', '.join(inside)}.")
        return raw
    if origin in (Mapping, typing.get_origin(Mapping[str, Any])):
        if not isinstance(raw, Mapping):
            raise RecipeError(f"{where} must be a mapping, got {raw!r}.")
        return types.MappingProxyType({str(k): value_of(inside[1], v, f"{where}.{k}") if inside[1] is not Any else v
                                       for k, v in raw.items()})
    if hint is float and isinstance(raw, int) and not isinstance(raw, bool):
        return float(raw)
    if not isinstance(raw, hint) or (isinstance(raw, bool) and hint is not bool) or (
            hint is float and not math.isfinite(raw)):
        raise RecipeError(f"{where} must be {_WORDS[hint]}, got {raw!r}.")
    return raw


def _one_of(kinds: tuple[Any, ...], raw: Any, where: str) -> Any:
    """Of frozen values the first whose `MARK` the mapping has, else the last; None where that is one of them."""
    if raw is None and type(None) in kinds:
        return None
    values = [k for k in kinds if k is not type(None)]
    made = [k for k in values if dataclasses.is_dataclass(k)]
    if made and isinstance(raw, Mapping):
        return build(next((k for k in made if getattr(k, "MARK", None) in raw), made[-1]), raw, where)
    plain = [k for k in values if k not in made]
    return value_of(plain[0] if plain else made[-1], raw, where)
