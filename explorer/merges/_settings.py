"""Settings of a merge in mergekit's three forms, and what they are in one parameter.

A setting is one value; a list of values, which is a gradient over the layers, linear between its entries; or a list of
cases {"filter": PART OF A PARAMETER'S NAME, "value": one of the former}, of which the first that fits holds, a case
without a filter for all that is left. What fits no case has no setting, so that a default or a wider setting holds.
"""

from __future__ import annotations

import math
import re
import typing
from collections.abc import Callable, Sequence
from typing import Any

from explorer.errors import RecipeError
from explorer.merges._contract import Range

Scalar = float | int | bool | str
_KEY = re.compile(r"([0-9a-f]{32})?")
Setting = Any
"""A Scalar, a list of Scalars, or a list of cases: what JSON holds."""


def read(raw: Any, what: str, kind: type, allowed: Range | None = None) -> Setting:
    """The one form of a setting, of what YAML or JSON gives; RecipeError for anything else.

    Numbers are kept to 12 significant digits; a list of one or of equal values is that value, and cases behind one
    that fits everything are dropped.
    """
    if isinstance(raw, dict):
        raw = [raw]
    if not isinstance(raw, Sequence) or isinstance(raw, str) or kind is str:
        return _scalar(raw, what, kind, allowed)
    if not raw:
        raise RecipeError(f"{what} is an empty list; give a value, values for layers, or cases of filter and value.")
    if not any(isinstance(entry, dict) for entry in raw):
        return _gradient(raw, what, kind, allowed)
    return _cases(raw, what, kind, allowed)


def _cases(raw: Sequence[Any], what: str, kind: type, allowed: Range | None) -> Setting:
    for entry in raw:
        if not isinstance(entry, dict) or "value" not in entry or set(entry) - {"filter", "value"}:
            raise RecipeError(f"{what} has the case {entry!r}; each needs a value and may have a filter, nothing else.")
        value = entry["value"]
        if isinstance(value, dict) or (isinstance(value, list) and any(isinstance(v, dict) for v in value)):
            raise RecipeError(f"{what} has cases inside of a case: {entry!r}.")
    cases: list[dict[str, Any]] = []
    for entry in raw:
        value, part = read(entry["value"], what, kind, allowed), entry.get("filter")
        if part in (None, "*", ""):
            return [*cases, {"value": value}] if cases else value
        if not isinstance(part, str):
            raise RecipeError(f"{what} has the filter {part!r}; a part of parameters' names is needed.")
        cases.append({"filter": part, "value": value})
    return cases


def within(narrow: Setting, wide: Setting) -> Setting:
    """`narrow`, and `wide` where it has none (a model's setting inside of the whole merge's)."""
    if not _is_cases(narrow) or "filter" not in narrow[-1]:
        return narrow
    return [*narrow, *(wide if _is_cases(wide) else [{"value": wide}])]


def at(setting: Setting, spelled: Sequence[str], depth: float) -> Scalar | None:
    """The value in one parameter, known by any of the names `spelled`, at a depth of 0 to 1; None where it has none."""
    if _is_cases(setting):
        fitting = (case["value"] for case in setting
                   if "filter" not in case or any(case["filter"] in name for name in spelled))
        found = next(fitting, None)
        return None if found is None else at(found, spelled, depth)
    if not isinstance(setting, list):
        return typing.cast(Scalar, setting)
    place = depth * (len(setting) - 1)
    low = int(place)
    if isinstance(setting[0], bool):
        return bool(setting[low])
    share = place - low
    return (1 - share) * setting[low] + share * setting[min(low + 1, len(setting) - 1)]


def depth(layer: str, layers: int) -> float:
    """Where a parameter group's layer lies among the layers: 0 the first, 1 the last or only one.

    As mergekit has it, what belongs to no layer (embeddings, a final norm) lies at 0, so a gradient's first value
    holds there.
    """
    if not layer.isdecimal():
        return 0.0
    return int(layer) / (layers - 1) if layers > 1 else 1.0


def mapped(setting: Setting, change: Callable[[float], float]) -> Setting:
    """The setting with every value changed."""
    if _is_cases(setting):
        return [case | {"value": mapped(case["value"], change)} for case in setting]
    return [change(v) for v in setting] if isinstance(setting, list) else change(setting)


def rounded(value: float) -> float:
    """To 12 significant digits, and never −0."""
    return float(f"{value:.12g}") + 0.0


def _is_cases(setting: Setting) -> bool:
    return isinstance(setting, list) and isinstance(setting[0], dict)


def _gradient(raw: Sequence[Any], what: str, kind: type, allowed: Range | None) -> Setting:
    values = [_scalar(entry, what, kind, allowed) for entry in raw]
    if all(v == values[0] for v in values):
        return values[0]
    if kind is int:
        raise RecipeError(f"{what} is a list; a whole number has no values between, give one.")
    return values


def _scalar(raw: Any, what: str, kind: type, allowed: Range | None) -> Scalar:
    if kind is str:
        if isinstance(raw, str) and _KEY.fullmatch(raw):
            return raw
        raise RecipeError(f"{what} is {str(raw)[:60]!r}; a key of 32 hexadecimal digits is needed.")
    if kind is bool:
        if isinstance(raw, bool):
            return raw
        raise RecipeError(f"{what} is {str(raw)[:60]!r}; true or false is needed.")
    wanted = f"{allowed or Range()} is needed" if kind is float else f"a whole number, {allowed or Range()}, is needed"
    try:
        value = float(raw) if isinstance(raw, (int, float, str)) and not isinstance(raw, bool) else math.nan
    except (ValueError, OverflowError):
        value = math.nan
    if not math.isfinite(value) or (allowed and not allowed.low <= value <= allowed.high):
        raise RecipeError(f"{what} is {str(raw)[:60]}; {wanted}.")
    if kind is not int:
        return rounded(value)
    if isinstance(raw, int):
        return raw
    if not value.is_integer():
        raise RecipeError(f"{what} is {str(raw)[:60]}; {wanted}.")
    return int(value)
