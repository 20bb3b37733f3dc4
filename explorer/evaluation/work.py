"""Evaluation as work for a backend: a request that names everything, and a generator of results.

The request holds all that a worker needs, so that a worker never opens the catalog. A backend with several workers
takes it apart with `split`, sends each part to a device with `on`, and after a loss goes on with what `remaining` says.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from explorer.types import Base, DeviceFacts, Notice, Point, Probe, Progress, Score, Task

if TYPE_CHECKING:
    from explorer.evaluation.evaluator import Evaluator

# Scores that are remembered for whoever asks for the same while its first answer is on its way to the catalog.
_RECENT = 64


@dataclass(frozen=True)
class Ask:
    """One score to be made: a Point on a task, measured in one way."""

    point: Point
    task: Task
    probe: Probe

    @property
    def key(self) -> tuple[str, str, str]:
        """The identity of its score."""
        return self.point.hash, self.task.digest, self.probe.key


@dataclass(frozen=True)
class Scored:
    """A Point and its score."""

    point: Point
    score: Score

    @property
    def key(self) -> tuple[str, str, str]:
        """The identity of the score, equal to that of the Ask it answers."""
        return self.score.point, self.score.task, self.score.probe


@dataclass(frozen=True)
class Evaluation:
    """Scores to make, in order. `folders` maps each checkpoint of the Points to the folder of its task vector.

    `datasets` maps checkpoints to the data sets they were trained on, where that is known. Without asks the model is
    loaded and nothing else is done.
    """

    base: Base
    base_folder: str
    folders: Mapping[str, str]
    asks: tuple[Ask, ...]
    device: str = "auto"
    datasets: Mapping[str, str] = field(default_factory=dict)

    def split(self, n: int) -> list[Evaluation]:
        """At most n parts, none of them empty, whose asks are taken in turn and keep their order.

        All asks for one Point on one task are in one part: the second pass uses what the first has computed.
        """
        if n < 1:
            raise ValueError(f"into {n} parts: at least one is needed")
        turns: dict[tuple[str, str], int] = {}
        parts: list[list[Ask]] = [[] for _ in range(n)]
        for ask in self.asks:
            parts[turns.setdefault(ask.key[:2], len(turns)) % n].append(ask)
        return [replace(self, asks=tuple(part)) for part in parts if part] or [self]

    def remaining(self, results: Iterable[Any]) -> Evaluation:
        """What is left to do once these results are there; other results than scores do not count."""
        there = {r.key for r in results if isinstance(r, Scored)}
        return replace(self, asks=tuple(a for a in self.asks if a.key not in there))

    def on(self, device: str) -> Evaluation:
        """The same work on another device."""
        return replace(self, device=device)


def evaluate(request: Evaluation) -> Iterator[Progress | Scored | Notice | DeviceFacts]:
    """Make the scores in order; between two results the worker may be told to stop. Ends with the device's facts."""
    from pathlib import Path

    from explorer import settings
    from explorer.evaluation.evaluator import resident
    from explorer.evaluation.precision import checked

    total = len(request.asks)
    yield Progress(0, total, "loading the model")
    evaluator = resident(request.base, Path(request.base_folder), {k: Path(v) for k, v in request.folders.items()},
                         settings.device(request.device), request.datasets)
    if not request.asks:
        evaluator.ready()
    dtype = "fp32"
    for done, ask in enumerate(request.asks, start=1):
        dtype = ask.probe.dtype
        yield Scored(ask.point, _scored(evaluator, ask))
        yield Progress(done, total, f"{ask.task.name}: {done} of {total} points")
        if notice := checked(evaluator, ask.point, ask.task, ask.probe):
            yield notice
        yield from evaluator.notices()
    yield evaluator.facts(dtype)


def _scored(evaluator: Evaluator, ask: Ask) -> Score:
    """The score of an ask, made once however many viewers have asked for it at the same time."""
    recent = evaluator.recent
    if ask.key not in recent:
        recent[ask.key] = evaluator.score(ask.point, ask.task, ask.probe)
        if len(recent) > _RECENT:
            recent.popitem(last=False)
    return recent[ask.key]
