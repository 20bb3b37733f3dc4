"""Greedy soup as work for a backend: validation scores in the order in which the walk asks for them, then the test's.

The request holds the scores that are known, so that a worker never opens the catalog and nothing is measured twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from explorer import settings
from explorer.evaluation.work import Ask, Scored
from explorer.statistics.soups import By, Walk, mean, walk
from explorer.types import Base, Point, Probe, Progress, Score, Task


@dataclass(frozen=True, eq=False)
class Souping:
    """The models, the validation texts they are chosen by, and the test texts on which the outcome is measured.

    `known` are validation scores, `tested` hashes of Points that have test scores.
    """

    base: Base
    base_folder: str
    folders: Mapping[str, str]
    datasets: Mapping[str, str]
    points: tuple[Point, ...]
    validation: Task
    probe: Probe
    task: Task
    final: Probe
    by: By
    known: tuple[Score, ...] = ()
    tested: frozenset[str] = frozenset()
    device: str = "auto"

    def on(self, device: str) -> Souping:
        """The same work on another device."""
        return replace(self, device=device)

    def remaining(self, results: Iterable[Any]) -> Souping:
        """What is left to do once these results are there."""
        made = [r.score for r in results if isinstance(r, Scored)]
        return replace(self, known=(*self.known, *(s for s in made if s.task == self.validation.digest)),
                       tested=self.tested | {s.point for s in made if s.task == self.task.digest})


def last(found: Walk, points: tuple[Point, ...]) -> list[Point]:
    """What is compared on the test texts: the soup, the best single model, the mean of all, the base."""
    if found.soup is None or not found.done:
        return []
    return [found.soup, points[found.order[0]], mean(points), Point.of(points[0].base)]


def soup(request: Souping) -> Iterator[Any]:
    """Yields progress and every score as it is made."""
    from explorer.evaluation.evaluator import resident

    known, tested = {s.point: s for s in request.known}, set(request.tested)
    yield Progress(0, 2 * len(request.points) + 3, "loading the model")
    evaluator = resident(request.base, Path(request.base_folder), {k: Path(v) for k, v in request.folders.items()},
                         settings.device(request.device), request.datasets)
    done = 0
    while asks := _next(request, walk(request.points, known, request.by), tested):
        for ask in asks:
            score = evaluator.score(ask.point, ask.task, ask.probe)
            if ask.task == request.validation:
                known[score.point] = score
            else:
                tested.add(score.point)
            done += 1
            yield Scored(ask.point, score)
            found = walk(request.points, known, request.by)
            yield Progress(done, done + _left(request, found, tested), _told(request, found))
        yield from evaluator.notices()


def _next(request: Souping, found: Walk, tested: set[str]) -> list[Ask]:
    if found.missing:
        return [Ask(p, request.validation, request.probe) for p in found.missing]
    return [Ask(p, request.task, request.final) for p in dict.fromkeys(last(found, request.points))
            if p.hash not in tested]


def _left(request: Souping, found: Walk, tested: set[str]) -> int:
    """How many scores are still to come, as far as can be said."""
    undecided = len(request.points) - max(len(found.steps), 1)
    ends = len({p.hash for p in last(found, request.points)} - tested) if found.done else 4
    return undecided + ends + (len(found.missing) if found.done or not found.order else 0)


def _told(request: Souping, found: Walk) -> str:
    if not found.order:
        return "single models"
    if not found.done:
        return f"{len(found.taken)} taken of {len(found.steps)} tried"
    return "barriers to those left out" if found.missing else "the outcome on test texts"
