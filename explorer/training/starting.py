"""Training from Points as work for a backend: which runs, from where, how. `trainer` makes them.

A run starts at any Point of a base, trains on one task and is measured on its test split. No model is written. The
request holds all that a worker needs; after a loss it goes on with what `remaining` says.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from explorer.types import Base, Point, Started, Task, Tuning


@dataclass(frozen=True)
class Run:
    """One training to make: from a Point, on the first `size` train texts of a task (None: all), with a seed."""

    point: Point
    task: Task
    size: int | None
    seed: int

    def key(self, tuning: Tuning) -> tuple[str, str, str, int | None, int]:
        """The identity of its result."""
        return self.point.hash, self.task.digest, tuning.key, self.size, self.seed


@dataclass(frozen=True)
class Starting:
    """Runs to make, in order, all in one way. `folders` maps checkpoints of the Points to their task vectors."""

    base: Base
    base_folder: str
    folders: Mapping[str, str]
    runs: tuple[Run, ...]
    tuning: Tuning
    device: str = "auto"

    def split(self, n: int) -> list[Starting]:
        """At most n parts, none of them empty; runs on one data set stay together, whose texts are read once."""
        if n < 1:
            raise ValueError(f"into {n} parts: at least one is needed")
        turns = {name: i for i, name in enumerate(dict.fromkeys(r.task.digest for r in self.runs))}
        parts = [tuple(r for r in self.runs if turns[r.task.digest] % n == k) for k in range(n)]
        return [replace(self, runs=part) for part in parts if part] or [self]

    def remaining(self, results: Iterable[Any]) -> Starting:
        """What is left to do once these results are there."""
        there = {r.key for r in results if isinstance(r, Started)}
        return replace(self, runs=tuple(r for r in self.runs if r.key(self.tuning) not in there))

    def on(self, device: str) -> Starting:
        """The same work on another device."""
        return replace(self, device=device)
