"""A claim as a question to a catalog: what must be measured for it, and what is then concluded."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from explorer.evaluation.work import Ask
from explorer.statistics.averages import Average
from explorer.types import Base, Figure, Finding, Probe, Task
from explorer.workflows.clustering import Clustered
from explorer.workflows.opening import Workspace


@dataclass(frozen=True, eq=False)
class Question:
    """`asks` are all scores that `conclude` needs, which is given the reason of each that can't be had."""

    claim: str
    asks: tuple[Ask, ...]
    conclude: Callable[[Mapping[Ask, str]], Finding] = field(repr=False)


Builder = Callable[[Workspace, Base, Probe], Question]
"""A claim of the ledger; InputError where the catalog has not enough models for it."""


def average(name: str, found: Average, of: str, **more: object) -> Figure:
    """A figure from a mean with its interval."""
    return Figure(name, found.value, found.low, found.high, found.n, of, **more)  # type: ignore[arg-type]


def accuracy(name: str, found: Clustered, key: str = "accuracy", paper: float | None = None) -> Figure:
    """A figure of a clustering: accuracy, or F1 of a group ("f1:GROUP")."""
    assert found.agreement is not None  # the ledger always compares with a column
    value = found.agreement.f1[key.removeprefix("f1:")] if key.startswith("f1:") else found.agreement.accuracy
    low, high = found.intervals[key]
    units = found.unit == "dataset"
    return Figure(name, value, low, high, len(found.names), "models by data set" if units else "models", "share",
                  found.nulls[key].q95, paper)


def by_turns(tasks: Iterable[Task], most: int) -> list[Task]:
    """At most so many tasks, one of each family after the other: few of them speak for many kinds."""
    of_family: dict[str | None, list[Task]] = defaultdict(list)
    for task in tasks:
        of_family[task.family].append(task)
    longest = max(map(len, of_family.values()), default=0)
    return [t for turn in range(longest) for some in of_family.values() for t in some[turn : turn + 1]][:most]
