"""Claims C13 and C14: training biases and head from the centroid of models not trained on the target beats the base.

They are found on stored runs alone: trainings are asked for on their own page, or by the verb `start-points`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from explorer import numbers
from explorer.catalog import runs
from explorer.errors import InputError
from explorer.statistics.averages import mean, proportion
from explorer.statistics.paper import STARTS_TABLES
from explorer.statistics.starts import Cell, Outcome, Tally, cells, tallies
from explorer.types import Base, Figure, Finding, Probe, Tuning
from explorer.workflows.claims.question import Question, average
from explorer.workflows.opening import Workspace
from explorer.workflows.starting import starts

TRAINED = ("C13", "C14")
"""The claims that rest on trainings."""
FEW = 1000
"""Train texts at most, where the claim is of few."""
FEWEST = 3
"""Data sets at least: of fewer a mean says nothing."""


@dataclass(frozen=True)
class _Compared:
    """Runs of one tuning and size from the base and the centroid."""

    tuning: Tuning
    size: int | None
    cells: tuple[Cell, ...]
    seeds: int

    @property
    def tally(self) -> Tally:
        return next(t for t in tallies(self.cells) if t.start == "centroid")


def whole(ws: Workspace, base: Base, probe: Probe) -> Question:
    """C13: on all train texts."""
    return _question(ws, base, "C13")


def few(ws: Workspace, base: Base, probe: Probe) -> Question:
    """C14: on at most FEW of them."""
    return _question(ws, base, "C14")


def _question(ws: Workspace, base: Base, claim: str) -> Question:
    fits = [c for c in _compared(ws, base) if (c.size is None if claim == "C13" else c.size is not None)]
    if not fits or max(c.tally.difference.n for c in fits) < FEWEST:
        size = "full" if claim == "C13" else str(FEW)
        raise InputError(f"runs from the base and from the centroid on {FEWEST} data sets or more are needed; make "
                         f"them on the Start points page, or with `start-points --target all --sizes {size}`.")
    # the most data sets; of as many, the more seeds and the larger size
    chosen = max(fits, key=lambda c: (c.tally.difference.n, c.seeds, c.size or 0))
    return Question(claim, (), lambda _: _finding(claim, chosen))


def _compared(ws: Workspace, base: Base) -> Iterator[_Compared]:
    """Every tuning and size of BitFit runs that have the base and the centroid of a target."""
    known = {key: t for key, t in runs.tunings(ws.catalog.database).items() if t.method == "bitfit"}
    found: dict[tuple[str, int | None], list[Outcome]] = defaultdict(list)
    for task in ws.catalog.tasks():
        made = runs.runs_of(ws.catalog.database, base.id, task)
        known_starts = starts(ws, task, ["base", "centroid"], base=base.id).starts if made else ()
        names = {s.point: s.name for s in known_starts}
        for r in made:
            if r.point in names and r.tuning in known and (r.size is None or r.size <= FEW):
                found[r.tuning, r.size].append(Outcome(task.name, r.size, names[r.point], r.seed, r.accuracy))
    for (key, size), outcomes in found.items():
        some = tuple(cells(outcomes))
        if paired := [c.difference.n for c in some if c.difference is not None]:
            yield _Compared(known[key], size, some, min(paired))


def _finding(claim: str, found: _Compared) -> Finding:
    tally, paper = found.tally, STARTS_TABLES[claim]
    compared = {c.target for c in found.cells if c.difference is not None}
    means = {start: mean([c.accuracy.value for c in found.cells if c.start == start and c.target in compared])
             for start in ("centroid", "base")}
    n, points = tally.difference.n, tally.difference
    figures = [
        Figure("difference of accuracies", 100 * points.value, 100 * points.low, 100 * points.high, n, "data sets",
               "points", None, paper.difference),
        average("data sets on which the centroid is better", proportion(tally.wins, n), "data sets",
                paper=None if paper.wins is None else paper.wins / paper.targets),
        *(average(f"accuracy from the {start}", m, "data sets", paper=getattr(paper, start) / 100)
          for start, m in means.items())]
    agrees = points.low > 0 and 2 * tally.wins > n
    how, texts = found.tuning, "all train texts" if found.size is None else f"{found.size} train texts"
    said = (f"From the centroid {numbers.points(points.value)} on average; {counted(tally.wins, 'win')}, "
            f"{counted(tally.ties, 'tie')}, {counted(tally.losses, 'loss', 'losses')}.")
    targets = sorted(compared)
    return Finding(claim, "agrees" if agrees else "differs", said, tuple(figures),
                   f"BitFit on {texts}, {how.steps} steps of {how.batch} texts, rate {numbers.figures(how.lr)}, "
                   f"{found.seeds} seeds "
                   f"or more; {n} data sets: {', '.join(targets)}", "start_points",
                   {"start_targets": targets, "start_size": found.size or 0, "start_kinds": ["base", "centroid"],
                    "start_method": "bitfit", "start_tuning": how.key})


def counted(n: int, one: str, many: str = "") -> str:
    """ "1 tie", "2 ties"."""
    return f"{n} {one if n == 1 else many or one + 's'}"
