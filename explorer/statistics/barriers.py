"""Barriers between all pairs of models on a task: their matrix, its order and basins, and what cosines say of them.

The barrier of a pair is the highest loss on the line between them minus the mean of both ends (Frankle et al. 2020), or
how far it is above the straight line between these, with its standard error over the test texts. Pairs share models and
are not independent: correlations are tested by permuting models (Mantel 1967), and their error is a jackknife over
models.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import permutations
from typing import Literal

import numpy as np

from explorer.errors import InputError
from explorer.statistics.readings import Reading, barrier, height
from explorer.types import Score

Above = Literal["mean", "line"]
"""What the highest loss on a line is compared with."""

_EXACT = 7
_CHUNK = 2_000_000


@dataclass(frozen=True, eq=False)
class Barriers:
    """Barriers of n models in nats: `values` and `stderrs` (n, n), symmetric, zero diagonals, NaN where not known.

    `readings` are those that were read off lines, by the pair of ids as it was given.
    """

    ids: tuple[str, ...]
    values: np.ndarray
    stderrs: np.ndarray
    readings: Mapping[tuple[str, str], Reading] = field(default_factory=dict)

    @property
    def pairs(self) -> np.ndarray:
        """Known pairs i < j, shape (p, 2)."""
        return np.argwhere(np.triu(np.isfinite(self.values), 1))


@dataclass(frozen=True)
class Correlation:
    """Spearman's rank correlation over `pairs` pairs of `models` models.

    `p` is two-sided, by permuting models: every permutation where there are at most 7 models (`exact`), else a sample.
    `stderr` is the jackknife's over models, NaN where leaving one out leaves no correlation.
    """

    rank: float
    p: float
    stderr: float
    pairs: int
    models: int
    exact: bool


def matrix(ids: Sequence[str], lines: Mapping[tuple[str, str], tuple[Sequence[float], Sequence[Score | None]]],
           lost: Collection[tuple[str, str]] = (), above: Above = "mean") -> Barriers:
    """The barriers of n models from the scores along lines: (α, scores) by pair of ids, in either order.

    A pair is NaN until both of its ends are scored; a line that overflows has barrier ∞, and so has one of the pairs
    `lost`, which overflow at Points that have no score. `above` "line" is above the straight line between the losses of
    the ends (Entezari et al. 2022), which leaves out how much these differ. InputError for a pair of unknown models, or
    both orders of one.
    """
    place = {model: i for i, model in enumerate(ids)}
    values, stderrs = np.full((2, len(ids), len(ids)), np.nan)
    np.fill_diagonal(values, 0.0)
    np.fill_diagonal(stderrs, 0.0)
    seen: set[frozenset[str]] = set()
    known: dict[tuple[str, str], Reading] = {}
    for (a, b), (alphas, scores) in lines.items():
        if a not in place or b not in place or a == b or frozenset((a, b)) in seen:
            raise InputError(f"the line {a} to {b} is not one of a pair of these models, or there twice.")
        seen.add(frozenset((a, b)))
        if found := (barrier if above == "mean" else height)(alphas, scores):
            overflows = math.isnan(found.value) or (a, b) in lost
            i, j = place[a], place[b]
            values[i, j] = values[j, i] = math.inf if overflows else found.value
            stderrs[i, j] = stderrs[j, i] = math.nan if overflows else found.stderr
            if not overflows:
                known[a, b] = found
    return Barriers(tuple(ids), values, stderrs, known)


def correlation(barriers: np.ndarray, similarity: np.ndarray, permuted: int = 9999, seed: int = 0) -> Correlation:
    """Spearman's correlation of two symmetric (n, n) matrices over the pairs known in the first, with Mantel's test.

    `similarity` (such as cosines) must be known everywhere; a barrier may be NaN (not measured) or ∞ (the highest).
    InputError for fewer than four models, three known pairs, or shapes that differ.
    """
    n = len(barriers)
    if barriers.shape != (n, n) or similarity.shape != (n, n) or not np.isfinite(similarity).all():
        raise InputError(f"matrices of {barriers.shape} and {similarity.shape}: two square ones of one size are "
                         "needed, the second without gaps.")
    pairs = np.argwhere(np.triu(~np.isnan(barriers), 1))
    if n < 4 or len(pairs) < 3:
        raise InputError(f"{n} models with {len(pairs)} barriers: a correlation needs at least 4 models, 3 pairs.")
    i, j = pairs.T
    ranks = _standard(barriers[i, j][None])[0]
    rank = float((ranks * _standard(similarity[i, j][None])[0]).sum())
    exact = n <= _EXACT
    orders = _orders(n, permuted, seed, exact)
    step = max(1, _CHUNK // len(pairs))
    at_random = np.concatenate([_standard(similarity[o[:, i], o[:, j]]) @ ranks
                                for o in np.array_split(orders, -(-len(orders) // step))])
    beyond = int((np.abs(at_random) >= abs(rank) - 1e-12).sum())
    p = beyond / len(orders) if exact else (1 + beyond) / (1 + len(orders))
    return Correlation(rank, p, _jackknife(barriers, similarity, pairs), len(pairs), n, exact)


def order(barriers: np.ndarray) -> list[int]:
    """The models (n, n) in clustered order: average linkage on barriers, leaves in their best order (Bar-Joseph 2001).

    Pairs not measured count as the median of the others, infinite ones as twice the highest.
    """
    from scipy.cluster.hierarchy import leaves_list, linkage
    from scipy.spatial.distance import squareform

    if len(barriers) < 3:
        return list(range(len(barriers)))
    tree = linkage(squareform(_filled(barriers), checks=False), "average", optimal_ordering=True)
    return [int(k) for k in leaves_list(tree)]


def basins(barriers: np.ndarray, limit: float) -> list[int]:
    """The basin of each of n models, numbered from 0 by first member: those joined by barriers of at most `limit` nats,
    directly or through others (Juneja et al. 2022 find several basins on one data set). Unknown pairs join nothing."""
    from scipy.sparse.csgraph import connected_components

    if not (math.isfinite(limit) and limit >= 0):
        raise InputError(f"the limit of a basin is {limit:g} nats; a number from 0 on is needed.")
    with np.errstate(invalid="ignore"):
        labels = connected_components(np.asarray(barriers) <= limit, directed=False)[1]
    first = {label: k for k, label in enumerate(dict.fromkeys(labels.tolist()))}
    return [first[label] for label in labels.tolist()]


def _filled(barriers: np.ndarray) -> np.ndarray:
    above = barriers[np.triu_indices(len(barriers), 1)]
    known = above[np.isfinite(above)]
    top, middle = (float(known.max()), float(np.median(known))) if len(known) else (1.0, 1.0)
    filled = np.where(np.isnan(barriers), middle, np.minimum(barriers, 2 * top))
    np.fill_diagonal(filled, 0.0)
    return np.asarray(filled)


def _standard(values: np.ndarray) -> np.ndarray:
    """Ranks of every row, centred and of norm 1, shape (m, p); zero where all are tied."""
    from scipy.stats import rankdata

    ranks = rankdata(values, axis=1)
    ranks = ranks - ranks.mean(axis=1, keepdims=True)
    norms = np.linalg.norm(ranks, axis=1, keepdims=True)
    return np.asarray(ranks / np.where(norms > 0, norms, 1.0))


def _orders(n: int, count: int, seed: int, exact: bool) -> np.ndarray:
    if exact:
        return np.array(list(permutations(range(n))))
    rng = np.random.default_rng(seed)
    return rng.permuted(np.tile(np.arange(n), (count, 1)), axis=1)


def _jackknife(barriers: np.ndarray, similarity: np.ndarray, pairs: np.ndarray) -> float:
    n, without = len(barriers), []
    for left_out in range(n):
        i, j = pairs[(pairs != left_out).all(axis=1)].T
        if len(i) < 3:
            return math.nan
        without.append(float(_standard(barriers[i, j][None])[0] @ _standard(similarity[i, j][None])[0]))
    return math.sqrt((n - 1) / n * float(np.square(np.array(without) - np.mean(without)).sum()))
