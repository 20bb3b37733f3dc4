"""What a clustering's figures are worth: what chance would give, and how far they depend on the models at hand.

The clustering is kept and only labels are drawn again: clusters are found without looking at groups, so that fitting
them again to shuffled labels would give the same ones. Draws are seeded; the same seed gives the same answer.

`units` names what is drawn where models are not drawn one by one. The models of one data set lie together whatever
their task is: to ask whether tasks cluster, whole data sets are shuffled among the tasks and resampled within them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from explorer.errors import InputError
from explorer.statistics._contingency import figures, matching
from explorer.statistics.agreement import ordered, silhouettes, silhouettes_of, table

DRAWS = 1000
_WORK = 4e9
_FEWEST = 100
_AT_ONCE = 1 << 20


@dataclass(frozen=True)
class Null:
    """A figure where labels are shuffled: its mean and 95 % quantile; p that chance gives as much as was seen."""

    mean: float
    q95: float
    p: float
    draws: int


def permutation_nulls(labels: np.ndarray, groups: Sequence[str], *, units: Sequence[str] | None = None,
                      draws: int = DRAWS, seed: int = 0) -> dict[str, Null]:
    """Nulls of accuracy, ari, nmi, f1 (mean over the groups) and "f1:GROUP" of each, over shuffled groups.

    InputError for a unit whose models are of several groups. p = (1 + draws that reach the figure) / (1 + draws), so
    never 0 (Phipson and Smyth 2010).
    """
    _check(draws)
    names, clusters, counts = table(labels, groups)
    noise = clusters[-1] < 0
    rng = np.random.default_rng(seed)
    if units is None:
        rows = np.repeat(np.arange(len(names)), counts.sum(axis=1))
        columns = np.repeat(np.arange(len(clusters)), counts.sum(axis=0))
        drawn = np.stack([np.bincount(rng.permutation(rows) * len(clusters) + columns, minlength=counts.size)
                          for _ in range(draws)]).reshape(draws, *counts.shape)
    else:
        _, own, whole = _by_unit(labels, groups, units)
        drawn = np.zeros((draws, *counts.shape), dtype=np.int64)
        for table_drawn in drawn:
            np.add.at(table_drawn, rng.permutation(own), whole)
    seen, chance = _named(names, counts[None], noise), _named(names, drawn, noise)
    return {name: _null(float(seen[name][0]), chance[name]) for name in seen}


def bootstrap_intervals(labels: np.ndarray, groups: Sequence[str], *, units: Sequence[str] | None = None,
                        draws: int = DRAWS, level: float = 0.95, seed: int = 0) -> dict[str, tuple[float, float]]:
    """Percentile intervals of the same figures, over models (or units) resampled within their groups.

    The matching of clusters to groups is kept: a new one in every draw would flatter. So would the copies in a draw,
    which agree with each other; the mean excess over the figure at hand is taken off (Efron and Tibshirani 1993,
    chapter 10). An interval of no width (all models right) says that none of the models at hand is wrong, not that
    none ever would be.
    """
    _check(draws)
    names, clusters, counts = table(labels, groups)
    noise = clusters[-1] < 0
    match = matching(counts[:, : len(clusters) - noise])
    rng = np.random.default_rng(seed)
    if units is None:
        drawn = np.stack([rng.multinomial(row.sum(), row / row.sum(), size=draws) for row in counts], axis=1)
    else:
        _, own, whole = _by_unit(labels, groups, units)
        drawn = np.stack([_resampled(whole[own == g], draws, rng) for g in range(len(names))], axis=1)
    seen, found = _named(names, counts[None], noise, match), _named(names, drawn, noise, match)
    return {name: _interval(np.minimum(values - values.mean() + seen[name][0], 1.0), level)
            for name, values in found.items()}


def silhouette_null(distances: np.ndarray, groups: Sequence[str], *, units: Sequence[str] | None = None,
                    draws: int = DRAWS, seed: int = 0) -> Null | None:
    """Null of the mean silhouette of groups over shuffled groups; None of one group, or of too many models.

    A draw costs n² g operations; as many are made as a budget of a few seconds allows, and none if those are under 100.
    """
    _check(draws)
    codes = np.unique(list(groups), return_inverse=True)[1]
    seen = silhouettes(distances, codes)
    possible = min(draws, int(_WORK / (2 * len(codes) ** 2 * (codes.max() + 1))))
    if seen is None or possible < min(draws, _FEWEST):
        return None
    rng = np.random.default_rng(seed)
    of_unit, own, _ = _by_unit(codes, groups, [str(i) for i in range(len(codes))] if units is None else units)
    at_once = max(1, _AT_ONCE // (len(codes) * int(codes.max() + 1)))
    chance = []
    for done in range(0, possible, at_once):
        count = min(at_once, possible - done)
        shuffled = rng.permuted(np.tile(own, (count, 1)), axis=1)[:, of_unit]
        chance.append(silhouettes_of(distances, shuffled).mean(axis=1))
    return _null(float(seen.mean()), np.concatenate(chance))


def silhouette_interval(values: np.ndarray, groups: Sequence[str], *, units: Sequence[str] | None = None,
                        draws: int = DRAWS, level: float = 0.95, seed: int = 0) -> tuple[float, float]:
    """Percentile interval of the mean of silhouettes (n,), NaN left out, over models (or units) resampled in groups.

    Each model keeps the silhouette that it has among all models.
    """
    _check(draws)
    known = np.isfinite(values)
    kept = values[known]
    named = [g for g, is_known in zip(groups, known, strict=True) if is_known]
    one_by_one = [str(i) for i in range(len(named))]
    chosen = one_by_one if units is None else [u for u, is_known in zip(units, known, strict=True) if is_known]
    of_unit, own, _ = _by_unit(np.zeros(len(kept), dtype=np.int64), named, chosen)
    parts = np.stack([np.bincount(of_unit, weights=kept), np.bincount(of_unit)], axis=1)
    rng = np.random.default_rng(seed)
    sums = np.sum([_resampled(parts[own == g], draws, rng) for g in range(own.max() + 1)], axis=0)
    return _interval(sums[:, 0] / sums[:, 1], level)


def _by_unit(labels: np.ndarray, groups: Sequence[str],
             units: Sequence[str]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(the unit of each model (n,), the group of each unit (u,), counts of its models by cluster (u, c))."""
    names, _, whole = table(labels, units)
    row, number = ({name: i for i, name in enumerate(found)} for found in (names, ordered(groups)))
    of_unit, codes = np.array([row[u] for u in units]), np.array([number[g] for g in groups])
    own = np.zeros(len(names), dtype=np.int64)
    own[of_unit] = codes
    if wrong := {u for u, same in zip(units, own[of_unit] == codes, strict=True) if not same}:
        raise InputError(f"{min(wrong)!r} has models of several groups, so that it can't be drawn as one.")
    return of_unit, own, whole


def _resampled(rows: np.ndarray, draws: int, rng: np.random.Generator) -> np.ndarray:
    """Sums (draws, c) of as many of the rows (u, c) as there are, drawn with replacement."""
    times = rng.multinomial(len(rows), np.full(len(rows), 1 / len(rows)), size=draws)
    summed: np.ndarray = times @ rows
    return summed


def _check(draws: int) -> None:
    if isinstance(draws, bool) or draws < 1:
        raise InputError(f"{draws!r} draws: at least 1 is needed.")


def _named(names: Sequence[str], counts: np.ndarray, noise: bool,
           match: np.ndarray | None = None) -> Mapping[str, np.ndarray]:
    found = figures(counts, noise, match)
    return found.by_name() | {f"f1:{name}": found.f1[:, i] for i, name in enumerate(names)}


def _null(seen: float, chance: np.ndarray) -> Null:
    # a figure that equals the one seen must count as such though it was summed in another order
    reached = int((chance >= seen - 1e-12).sum())
    return Null(float(chance.mean()), float(np.quantile(chance, 0.95)), (1 + reached) / (1 + len(chance)), len(chance))


def _interval(values: np.ndarray, level: float) -> tuple[float, float]:
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
