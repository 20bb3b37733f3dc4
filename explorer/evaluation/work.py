"""Evaluation as work for a backend: a request that names everything, and a generator of results.

The request holds all that a worker needs, so that a worker never opens the catalog.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from explorer.types import Base, Point, Probe, Progress, Score, Task


@dataclass(frozen=True)
class Evaluation:
    """Points to score on a task. `folders` maps each checkpoint of the Points to the folder of its task vector."""

    base: Base
    base_folder: str
    folders: Mapping[str, str]
    points: tuple[Point, ...]
    task: Task
    probe: Probe
    device: str = "auto"


@dataclass(frozen=True)
class Scored:
    """A Point and its score."""

    point: Point
    score: Score


def evaluate(request: Evaluation) -> Iterator[Progress | Scored]:
    """Score the Points in order; between two results the worker may be told to stop."""
    from pathlib import Path

    from explorer import settings
    from explorer.evaluation.evaluator import resident

    total = len(request.points)
    yield Progress(0, total, "loading the model")
    evaluator = resident(request.base, Path(request.base_folder), {k: Path(v) for k, v in request.folders.items()},
                         settings.device(request.device), request.probe.dtype)
    for done, point in enumerate(request.points, start=1):
        yield Scored(point, evaluator.score(point, request.task, request.probe))
        yield Progress(done, total, f"{request.task.name}: {done} of {total} points")
