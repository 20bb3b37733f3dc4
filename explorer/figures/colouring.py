"""What colours a map: which category or number each checkpoint has, and how categories are ordered and grouped.

Text and seeds are categories; other numbers are a scale, logarithmic where they span more than a factor of 20.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from explorer.figures.theme import Dark, Mark, marks
from explorer.types import Checkpoint, Score

UNKNOWN = "not known"
LABELS = {"dataset": "Dataset", "task": "Task", "domain": "Domain", "seed": "Seed", "train_size": "Training examples",
          "method": "Method", "norm": "‖Δ‖", "accuracy": "Accuracy", "loss": "Loss"}


@dataclass(frozen=True)
class Numbers:
    """A number for each checkpoint (None: not known), on a logarithmic scale or not."""

    values: tuple[float | None, ...]
    logarithmic: bool


@dataclass(frozen=True)
class Categories:
    """A category for each checkpoint, and the categories by group in drawing order."""

    values: tuple[str, ...]
    groups: Mapping[str, Sequence[str]]


def label(column: str) -> str:
    """A column's name as shown."""
    return LABELS.get(column, column)


def values(checkpoints: Sequence[Checkpoint], column: str, scores: Mapping[str, Score],
           norms: Mapping[str, float]) -> list[Any]:
    """The value of `column` for each checkpoint; "accuracy", "loss" come from scores and "norm" from norms by id."""
    if column == "norm":
        return [norms.get(c.id) for c in checkpoints]
    if column in ("accuracy", "loss"):
        return [getattr(scores[c.id], column) if c.id in scores else None for c in checkpoints]
    return [c.value(column) for c in checkpoints]


def colouring(checkpoints: Sequence[Checkpoint], column: str, scores: Mapping[str, Score],
              norms: Mapping[str, float]) -> Numbers | Categories:
    """How `column` colours the checkpoints; datasets are grouped by task, every other category stands alone."""
    found = values(checkpoints, column, scores, norms)
    known = [v for v in found if v is not None]
    numeric = bool(known) and all(_is_number(v) for v in known)
    if column in ("accuracy", "loss", "norm") or (numeric and column != "seed"):
        positive = [float(v) for v in known if v > 0]
        logarithmic = len(positive) == len(known) > 0 and max(positive) > 20 * min(positive)
        return Numbers(tuple(None if v is None else float(v) for v in found), logarithmic)
    names = tuple(UNKNOWN if v is None else str(v) for v in found)
    return Categories(names, _groups(checkpoints, names, found, column))


def tints(checkpoints: Sequence[Checkpoint], column: str, dark: Dark) -> dict[str, Mark]:
    """The mark of each category of a column on the map of `checkpoints`, for figures beside it; none of numbers."""
    found = colouring(checkpoints, column, {}, {})
    return marks(found.groups, dark) if isinstance(found, Categories) else {}


def _groups(checkpoints: Sequence[Checkpoint], names: Sequence[str], found: Sequence[Any],
            column: str) -> dict[str, list[str]]:
    order = {name: value for name, value in zip(names, found, strict=True) if value is not None}
    ordered = sorted(order, key=lambda name: (0, order[name], "") if _is_number(order[name]) else (1, 0, name))
    if column != "dataset":
        return {name: [name] for name in ordered}
    tasks: dict[str, Counter[str]] = defaultdict(Counter)
    for checkpoint, name in zip(checkpoints, names, strict=True):
        tasks[name][checkpoint.task or ""] += 1
    groups: dict[str, list[str]] = defaultdict(list)
    for name in ordered:
        groups[tasks[name].most_common(1)[0][0]].append(name)
    # The largest tasks take the hues that are easiest to tell apart; names decide ties, so that colours stay put.
    return dict(sorted(groups.items(), key=lambda item: (-len(item[1]), item[0])))


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
