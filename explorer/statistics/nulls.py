"""What a clustering's figures are worth: what chance would give, and how far they depend on the models at hand.

The clustering is kept and only labels are drawn again: clusters are found without looking at groups, so that fitting
them again to shuffled labels would give the same ones. Draws are seeded; the same seed gives the same answer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from explorer.errors import InputError
from explorer.statistics._contingency import figures, matching
from explorer.statistics.agreement import silhouettes, silhouettes_of, table

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


def permutation_nulls(labels: np.ndarray, groups: Sequence[str], *, draws: int = DRAWS,
                      seed: int = 0) -> dict[str, Null]:
    """Nulls of accuracy, ari, nmi, f1 (mean over the groups) and "f1:GROUP" of each, over shuffled groups.

    p = (1 + draws that reach the figure) / (1 + draws), so never 0 (Phipson and Smyth 2010).
    """
    _check(draws)
    names, clusters, counts = table(labels, groups)
    noise = clusters[-1] < 0
    rng = np.random.default_rng(seed)
    rows = np.repeat(np.arange(len(names)), counts.sum(axis=1))
    columns = np.repeat(np.arange(len(clusters)), counts.sum(axis=0))
    cells = len(names) * len(clusters)
    drawn = np.stack([np.bincount(rng.permutation(rows) * len(clusters) + columns, minlength=cells)
                      for _ in range(draws)]).reshape(draws, len(names), len(clusters))
    seen, chance = _named(names, counts[None], noise), _named(names, drawn, noise)
    return {name: _null(float(seen[name][0]), chance[name]) for name in seen}


def bootstrap_intervals(labels: np.ndarray, groups: Sequence[str], *, draws: int = DRAWS, level: float = 0.95,
                        seed: int = 0) -> dict[str, tuple[float, float]]:
    """Percentile intervals of the same figures, over models resampled within their groups, whose sizes so stay.

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
    drawn = np.stack([rng.multinomial(row.sum(), row / row.sum(), size=draws) for row in counts], axis=1)
    seen, found = _named(names, counts[None], noise, match), _named(names, drawn, noise, match)
    return {name: _interval(np.minimum(values - values.mean() + seen[name][0], 1.0), level)
            for name, values in found.items()}


def silhouette_null(distances: np.ndarray, groups: Sequence[str], *, draws: int = DRAWS,
                    seed: int = 0) -> Null | None:
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
    at_once = max(1, _AT_ONCE // (len(codes) * int(codes.max() + 1)))
    chance = [silhouettes_of(distances, rng.permuted(np.tile(codes, (min(at_once, possible - done), 1)), axis=1))
              .mean(axis=1) for done in range(0, possible, at_once)]
    return _null(float(seen.mean()), np.concatenate(chance))


def silhouette_interval(values: np.ndarray, groups: Sequence[str], *, draws: int = DRAWS, level: float = 0.95,
                        seed: int = 0) -> tuple[float, float]:
    """Percentile interval of the mean of silhouettes (n,), NaN left out, over models resampled within their groups.

    Each keeps the silhouette that it has among all models.
    """
    _check(draws)
    known = np.isfinite(values)
    kept, codes = values[known], np.unique(np.asarray(list(groups))[known], return_inverse=True)[1]
    rng = np.random.default_rng(seed)
    sums = np.zeros(draws)
    for code in range(codes.max() + 1):
        own = kept[codes == code]
        sums += own[rng.integers(0, len(own), size=(draws, len(own)))].sum(axis=1)
    return _interval(sums / len(kept), level)


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
