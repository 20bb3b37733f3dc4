"""What people say of a checkpoint: `explorer.json` in its folder, or a row of a metadata table, in one checked form."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from explorer.errors import CheckpointError, InputError, legible
from explorer.types import canonical_json

FILE = "explorer.json"
_TEXT = ("name", "base", "dataset", "task", "domain", "method")
_NUMBER = ("seed", "train_size")


@dataclass(frozen=True)
class Annotation:
    """Metadata of a checkpoint; None where nothing was said. `columns` holds everything that is no standard column."""

    name: str | None = None
    base: str | None = None
    dataset: str | None = None
    task: str | None = None
    domain: str | None = None
    method: str | None = None
    seed: int | None = None
    train_size: int | None = None
    columns: Mapping[str, Any] = field(default_factory=dict)

    def updated(self, other: Annotation) -> Annotation:
        """This one with everything that `other` says put over it."""
        said = {f.name: getattr(other, f.name) for f in fields(other) if f.name != "columns"}
        return replace(self, **{k: v for k, v in said.items() if v is not None},
                       columns={**self.columns, **other.columns})


def annotation(values: Mapping[str, Any], where: str) -> Annotation:
    """An annotation from keys and values; nested objects become dotted columns. InputError for a wrong type."""
    standard: dict[str, Any] = {}
    columns: dict[str, Any] = {}
    for key, value in _flat(values).items():
        if value is None or value == "" or (isinstance(value, float) and math.isnan(value)):
            continue
        if key in _TEXT:
            standard[key] = _text(value, f"{where}: {key}")
        elif key in _NUMBER:
            standard[key] = _whole(value, f"{where}: {key}")
        elif isinstance(value, float) and not math.isfinite(value):
            raise InputError(f"{where}: {key} is {value}; a finite number is needed.")
        else:
            columns[legible(str(key))] = _storable(value, f"{where}: {key}")
    return Annotation(**standard, columns=columns)


def annotation_of(folder: Path) -> Annotation:
    """What `explorer.json` of a folder says; nothing where there is none. CheckpointError if it can't be read."""
    from explorer.weights.tensors import read_json

    path = folder / FILE
    if not path.is_file():
        return Annotation()
    try:
        return annotation(read_json(path), str(path))
    except InputError as e:
        raise CheckpointError(str(e)) from e


def checked_name(name: str, folder: Path, reserved: tuple[str, ...] = ("base",)) -> str:
    """A model's name as it is; CheckpointError where people could not type it, or it would mean something else."""
    if name in reserved or name.startswith("{") or name != name.strip() or not 0 < len(name) <= 200 or (
            not name.isprintable()):
        raise CheckpointError(f"{folder}: {name[:80]!r} can't name a model ('base' stands for the main base, "
                              f"'{{' begins a "
                              "recipe); give it another with \"name\" in explorer.json or in the metadata table.")
    return name


def _flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, Mapping):
            flat |= _flat(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = value
    return flat


def _storable(value: Any, what: str) -> Any:
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        return str(value)  # no column of a table holds it as a number
    try:
        canonical_json([what, value]).encode()
    except (TypeError, ValueError) as e:  # a NaN inside a list, half a surrogate pair
        raise InputError(f"{what} is {str(value)[:80]!r}, which can't be kept ({e}).") from e
    return legible(value) if isinstance(value, str) else value


def _text(value: Any, what: str) -> str:
    if not isinstance(value, (str, int, float)) or isinstance(value, bool):
        raise InputError(f"{what} is {value!r}; a text is needed.")
    text = str(value).strip()
    if len(text) > 200 or not text.isprintable():
        raise InputError(f"{what} is {text[:40]!r}…; a printable text of at most 200 characters is needed.")
    return text


def _whole(value: Any, what: str) -> int:
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        raise InputError(f"{what} is {value!r}; a whole number is needed.") from None
    if isinstance(value, bool) or not math.isfinite(number) or number != int(number) or abs(number) >= 2**53:
        raise InputError(f"{what} is {value!r}; a whole number is needed.")
    return int(number)
