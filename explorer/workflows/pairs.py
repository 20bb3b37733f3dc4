"""Barriers on the lines between all pairs of Points on a task, beside the cosines of their task vectors.

`barriers` measures and waits; `missing` and `known` are for pages, which show a matrix while it fills: a pair is there
once every α of its line is. What the matrix says of basins, order and correlation is for `statistics.barriers` to say.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import combinations

import numpy as np

from explorer.errors import InputError
from explorer.evaluation.work import Ask
from explorer.statistics import barriers as pairwise
from explorer.statistics.barriers import Above, Barriers, Correlation
from explorer.types import Line, Point, Probe, Score, Task
from explorer.workflows.lines import attempt
from explorer.workflows.mapping import with_terms
from explorer.workflows.naming import describe
from explorer.workflows.opening import Workspace
from explorer.workflows.probing import unscored


@dataclass(frozen=True, eq=False)
class PairBarriers:
    """Barriers of n Points on a task, from lines at `alphas` (0 is the later Point of a pair, 1 the earlier one).

    `barriers.ids` are the Points' hashes. `cosines` (n, n) are those of the task vectors, NaN for the base, which has
    none; None, with `reason`, where they can't be told from inner products. `pairs` counts all pairs of Points, `lost`
    says of each pair (hashes) that overflows why. `losses` are the Points' own, `curves` α and scores of known pairs.
    """

    task: Task
    points: tuple[Point, ...]
    names: tuple[str, ...]
    alphas: tuple[float, ...]
    barriers: Barriers
    losses: tuple[Score | None, ...]
    cosines: np.ndarray | None
    reason: str
    lost: Mapping[tuple[str, str], str]
    curves: Mapping[tuple[str, str], tuple[Sequence[float], Sequence[Score | None]]]
    above: Above = "mean"

    @property
    def pairs(self) -> int:
        return len(self.points) * (len(self.points) - 1) // 2

    @property
    def done(self) -> int:
        """How many pairs are known."""
        return len(self.barriers.pairs)

    @cached_property
    def order(self) -> list[int]:
        """The Points in clustered order."""
        return pairwise.order(self.barriers.values)

    def told(self, above: Above) -> PairBarriers:
        """The same lines with another way to tell how high one is."""
        return replace(self, barriers=pairwise.matrix(self.barriers.ids, self.curves, self.lost, above), above=above)

    def basins(self, limit: float) -> list[int]:
        """The basin of each Point, numbered from 0: those joined by barriers of at most `limit` nats."""
        return pairwise.basins(self.barriers.values, limit)

    @cached_property
    def correlation(self) -> Correlation | str:
        """Rank correlation of barriers with cosines over the known pairs, or in words why there is none.

        The base takes no part: it has no direction.
        """
        if self.cosines is None:
            return self.reason
        kept = np.flatnonzero(np.isfinite(np.diag(self.cosines)))
        part = np.ix_(kept, kept)
        try:
            return pairwise.correlation(self.barriers.values[part], self.cosines[part])
        except InputError as error:
            return str(error)


def check(ws: Workspace, points: Sequence[Point], alphas: Sequence[float]) -> tuple[float, ...]:
    """The α of every line, sorted, with 0 and 1; InputError for Points or α that have no barrier, in one line."""
    if len({p.hash for p in points}) < len(points):
        twice = next(p for i, p in enumerate(points) if p in points[:i])
        raise InputError(f"{describe(ws, twice)} is there twice: barriers are between different Points.")
    if len(points) < 2:
        raise InputError(f"{len(points)} Points have no pair; give at least two different ones.")
    if len(bases := {p.base for p in points}) > 1:
        raise InputError(f"the Points have different bases ({', '.join(sorted(ws.catalog.base(b).name for b in bases))}"
                         "); barriers are on lines between Points of one base.")
    wanted = {0.0, 1.0, *alphas}
    if not all(0 <= a <= 1 for a in wanted):
        raise InputError(f"α = {next(a for a in wanted if not 0 <= a <= 1):g}: a barrier is read between the ends, "
                         "0 to 1.")
    if len(wanted) < 3:
        raise InputError("no α between 0 and 1: a barrier needs at least one point between the ends.")
    return tuple(sorted(wanted))


def lines_of(points: Sequence[Point], alphas: Sequence[float]) -> dict[tuple[str, str], Line]:
    """The line of every pair of Points, by their hashes: the earlier Point is α = 1, as A is of `path A B`."""
    return {(a.hash, b.hash): Line(b, a, tuple(alphas)) for a, b in combinations(points, 2)}


def asks(points: Sequence[Point], task: Task, probe: Probe, alphas: Sequence[float]) -> list[Ask]:
    """What all barriers need: the ends first, then line by line, so that pairs become known one after the other."""
    inner = [p for line in lines_of(points, alphas).values() for p in line.points]
    return [Ask(point, task, probe) for point in dict.fromkeys([*points, *inner])]


def barriers(ws: Workspace, points: Sequence[Point], task: Task, probe: Probe,
             alphas: Sequence[float], above: Above = "mean") -> PairBarriers:
    """Measure every pair's line, all in one job, and wait. Errors of `check`; `above` as of `statistics.barriers`.

    A Point at which the model overflows makes its line's barrier infinite, and takes nothing from the others.
    """
    alphas = check(ws, points, alphas)
    wanted = asks(points, task, probe, alphas)
    lost = attempt(ws, wanted, f"Barriers of {len(points)} Points on {task.name}")
    return known(ws, points, task, probe, alphas, {ask.point.hash: why for ask, why in lost.items()}, above)


def known(ws: Workspace, points: Sequence[Point], task: Task, probe: Probe, alphas: Sequence[float],
          lost: Mapping[str, str] | None = None, above: Above = "mean") -> PairBarriers:
    """What stored scores say so far; `lost` are Points without a loss, by hash, and why. Errors of `check`."""
    alphas, lost = check(ws, points, alphas), lost or {}
    lines = lines_of(points, alphas)
    every = list(dict.fromkeys([*points, *(p for line in lines.values() for p in line.points)]))
    scores = {p.hash: s for p, s in zip(every, ws.catalog.scores(every, task, probe), strict=True)}
    whole: dict[tuple[str, str], tuple[Sequence[float], Sequence[Score | None]]] = {}
    told: dict[tuple[str, str], str] = {}
    for pair, line in lines.items():
        hashes = [p.hash for p in line.points]
        if why := [lost[h] for h in hashes if h in lost]:
            told[pair] = why[0]
        if all(scores[h] is not None or h in lost for h in hashes):
            whole[pair] = alphas, [scores[h] for h in hashes]
    found = pairwise.matrix([p.hash for p in points], whole, told, above)
    cosines, reason = _cosines(ws, points)
    return PairBarriers(task, tuple(points), tuple(describe(ws, p) for p in points), alphas, found,
                        tuple(scores[p.hash] for p in points), cosines, reason, told, whole, above)


def missing(ws: Workspace, points: Sequence[Point], task: Task, probe: Probe, alphas: Sequence[float]) -> list[Ask]:
    """What is not measured yet, in the order in which it should be."""
    return unscored(ws, asks(points, task, probe, check(ws, points, alphas)))


def _cosines(ws: Workspace, points: Sequence[Point]) -> tuple[np.ndarray | None, str]:
    """(cosines (n, n) of the Points' task vectors, "") or (None, why there are none)."""
    try:
        gram = with_terms(ws, ws.catalog.gram(points[0].base), points)
    except InputError as error:
        return None, str(error)
    coefficients = np.stack([p.coefficients(gram.ids) for p in points])
    inner = coefficients @ gram.matrix @ coefficients.T
    norms = np.sqrt(np.maximum(np.diag(inner), 0.0))
    with np.errstate(invalid="ignore", divide="ignore"):
        cosines = np.clip(inner / np.outer(norms, norms), -1.0, 1.0)
    return np.where(np.outer(norms, norms) > 0, cosines, np.nan), ""


def check_limit(limit: float) -> None:
    """InputError for a basin's limit that is none, before anything is measured."""
    pairwise.basins(np.zeros((1, 1)), limit)


def in_words(found: PairBarriers, limit: float) -> str:
    """Which Points are of one basin, as a sentence."""
    number = found.basins(limit)
    groups = [[name for name, k in zip(found.names, number, strict=True) if k == b] for b in dict.fromkeys(number)]
    if len(groups) == 1:
        return f"One basin holds all {len(found.names)} (barriers of at most {limit:g} nats join them)."
    told = "; ".join(", ".join(group) for group in sorted(groups, key=len, reverse=True))
    return f"{len(groups)} basins (barriers of at most {limit:g} nats join): {told}."
