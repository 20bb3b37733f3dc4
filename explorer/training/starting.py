"""Training from Points as work for a backend: which runs, from where, how; and a stream of what each gave.

A run starts at any Point of a base, trains on one task and is measured on its test split. No model is written. The
request holds all that a worker needs; after a loss it goes on with what `remaining` says.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from explorer.types import Base, Notice, Point, Progress, Started, Task, Tuning

_SAID = 0.3
"""Seconds between two words on how far a run is."""


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


def train_from(request: Starting) -> Iterator[Progress | Started | Notice]:
    """Make the runs in order; between two steps the worker may be told to stop. Progress is in training steps."""
    from pathlib import Path

    from explorer import settings

    each, done = request.tuning.steps, 0
    total = each * len(request.runs)
    yield Progress(0, total, "loading the model")
    from explorer.training.trainer import resident

    trainer = resident(request.base, Path(request.base_folder), {k: Path(v) for k, v in request.folders.items()},
                       settings.device(request.device))
    for number, run in enumerate(request.runs, start=1):
        about = f"{run.task.name}, run {number} of {len(request.runs)}"
        yield Progress(done, total, about)
        said = time.monotonic()
        for step in trainer.train(run, request.tuning):
            if isinstance(step, Started):
                if step.loss == float("inf"):
                    yield Notice(f"{run.task.name}, seed {run.seed}: training overflowed, so that no answer counts "
                                 "as right. Choose a lower rate.")
                yield step
            elif time.monotonic() - said > _SAID:
                said = time.monotonic()
                yield Progress(done + step.number, total, f"{about}, loss {step.loss:.3f}")
        done += each
        yield Progress(done, total, about)
