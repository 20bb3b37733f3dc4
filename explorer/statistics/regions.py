"""The paper's P_B: how often a model of one group is no worse than a model of another, with its interval.

P_B(A ≤ B) is the share of all pairs (a of A, b of B) in which a's loss is no higher than b's; a tie counts in full, as
"no higher" says. A loss that is not finite counts as above all finite ones. Models are the sample: both groups are
drawn anew, by clusters (such as data sets) where models of one cluster resemble each other. Where single examples'
losses were kept, the test texts can be drawn anew too.

In′ is made of the models of In, which the bootstrap can't redo without measuring: its interval speaks of further draws
from this hull, not of hulls of other models.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations_with_replacement

import numpy as np

from explorer.errors import InputError
from explorer.statistics.readings import NORMAL
from explorer.types import Score

LEVEL = 0.95
_MOST_EXACT = 200_000
_CHUNK = 4_000_000


@dataclass(frozen=True)
class Share:
    """P_B with its 95 % interval, all in [0, 1]; `n` are the models of both groups.

    `method` "exact": every possible resample counted, with its probability. "bootstrap": drawn at random. "texts":
    drawn at random, texts too. Each is widened where there are few models, see `share`. "mean": see `mean_share`.
    """

    value: float
    low: float
    high: float
    n: tuple[int, int]
    method: str

    @property
    def interval(self) -> tuple[float, float]:
        return self.low, self.high


@dataclass(frozen=True)
class Region:
    """The three comparisons of claims C9 to C11."""

    in_ex: Share
    in_prime_ex: Share
    in_prime_in: Share


def probability(a: Sequence[float] | np.ndarray, b: Sequence[float] | np.ndarray) -> float:
    """P_B(A ≤ B) of losses (nₐ,) and (n_b,): in O(n log n). InputError for an empty group."""
    first, second = _losses(a), np.sort(_losses(b))
    below = np.searchsorted(second, first, side="left")  # how many of B are lower than a
    return float(1.0 - below.sum() / (len(first) * len(second)))


def share(a: Sequence[float] | np.ndarray, b: Sequence[float] | np.ndarray, *,
          clusters: tuple[Sequence[str] | None, Sequence[str] | None] = (None, None),
          examples: tuple[np.ndarray, np.ndarray] | None = None, draws: int = 2000, seed: int = 0) -> Share:
    """P_B(A ≤ B) with a 95 % percentile interval over models.

    `clusters`: labels (nₐ,) and (n_b,) of models that are drawn together. `examples`: single losses (nₐ, t) and
    (n_b, t) on the same t texts, drawn anew with the models. Small groups (up to 5 a side) have all their resamples
    counted. When all pairs agree a bootstrap knows no doubt, and with few models too little: on planted groups of five
    its 95 % interval held the truth in 60 to 92 % of cases. So the interval always holds Newcombe's too (2006, method
    5, with clusters for models), which held it in 94 to 98 %. InputError for an empty group, or shapes that don't fit.
    """
    first, second = _losses(a), _losses(b)
    members = [_members(group, which) for group, which in zip((first, second), clusters, strict=True)]
    value = probability(first, second)
    if examples is not None:
        values = _with_texts(examples, members, (len(first), len(second)), draws, seed)
        ends = np.quantile(values, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
        method = "texts"
    else:
        rises = (first[:, None] <= second[None, :]).astype(np.float64)
        pairs, sizes = members[0] @ rises @ members[1].T, np.outer(members[0].sum(axis=1), members[1].sum(axis=1))
        few = math.prod(math.comb(2 * len(m) - 1, len(m)) for m in members) <= _MOST_EXACT
        method = "exact" if few else "bootstrap"
        values, chances = _exact(pairs, sizes) if few else _drawn(pairs, sizes, draws, seed)
        ends = _quantiles(values, chances)
    known = _newcombe(value, *(len(m) for m in members))
    low, high = min(float(ends[0]), known[0]), max(float(ends[1]), known[1])
    return Share(value, low, high, (len(first), len(second)), method)


def region(inside: Sequence[Score], in_prime: Sequence[Score], outside: Sequence[Score], *,
           clusters: tuple[Sequence[str] | None, Sequence[str] | None] = (None, None), texts: bool = True,
           draws: int = 2000, seed: int = 0) -> Region:
    """P_B(In ≤ Ex), P_B(In′ ≤ Ex) and P_B(In′ ≤ In) on one task.

    `clusters` are labels of In's and of Ex's models. `texts`: test texts are drawn anew too where all scores kept their
    single losses. InputError for an empty group, or scores of several tasks or ways of measuring.
    """
    everyone = [*inside, *in_prime, *outside]
    if len({(s.task, s.probe) for s in everyone}) > 1:
        raise InputError("the scores are of several tasks, or measured in several ways; take those of one.")
    sizes = {len(s.losses) for s in everyone if math.isfinite(s.loss)}
    kept = texts and len(sizes) == 1 and max(sizes) > 1

    def compared(a: Sequence[Score], b: Sequence[Score], labels: tuple[Sequence[str] | None, Sequence[str] | None],
                 ) -> Share:
        single = (_single(a, max(sizes)), _single(b, max(sizes))) if kept and a and b else None
        return share([s.loss for s in a], [s.loss for s in b], clusters=labels, examples=single, draws=draws, seed=seed)

    return Region(compared(inside, outside, clusters), compared(in_prime, outside, (None, clusters[1])),
                  compared(in_prime, inside, (None, clusters[0])))


def mean_share(shares: Sequence[Share], *, together: bool = False, draws: int = 2000, seed: int = 0) -> Share:
    """Mean of k shares with a 95 % interval, `n` all models on both sides; InputError for none.

    The shares are drawn anew with replacement. Where few of them agree that knows too little doubt, so the interval
    always holds the one that follows from theirs: for shares of different models (`together` False) as for a sum of
    independent ones (Zou and Donner 2008), for shares of the same models on several tasks the mean of their ends.
    """
    if not shares:
        raise InputError("a mean of no shares: measure at least one region.")
    if len(shares) == 1:
        return shares[0]
    values, lows, highs = (np.array([getattr(s, name) for s in shares]) for name in ("value", "low", "high"))
    value, k = float(values.mean()), len(shares)
    rng = np.random.default_rng(seed)
    ends = np.quantile(rng.multinomial(k, np.full(k, 1 / k), draws) @ values / k, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    below, above = values - lows, highs - values
    gaps = [float(g.mean() if together else math.sqrt((g**2).sum()) / k) for g in (below, above)]
    low, high = min(float(ends[0]), value - gaps[0]), max(float(ends[1]), value + gaps[1])
    return Share(value, max(low, 0.0), min(high, 1.0), (sum(s.n[0] for s in shares), sum(s.n[1] for s in shares)),
                 "mean")


def _losses(group: Sequence[float] | np.ndarray) -> np.ndarray:
    values = np.asarray(group, dtype=np.float64)
    if values.ndim != 1 or not len(values):
        raise InputError("a group without models can't be compared: choose at least one model of each.")
    return np.where(np.isfinite(values), values, np.inf)


def _single(scores: Sequence[Score], texts: int) -> np.ndarray:
    """Single losses (n, texts), infinite ones where a model has no finite loss."""
    return np.array([s.losses if math.isfinite(s.loss) else np.full(texts, np.inf) for s in scores], dtype=np.float64)


def _members(group: np.ndarray, labels: Sequence[str] | None) -> np.ndarray:
    """Which models a cluster has, (clusters, n) of 0 and 1; without labels every model is its own."""
    if labels is None:
        return np.eye(len(group))
    if len(labels) != len(group):
        raise InputError(f"{len(labels)} labels for {len(group)} models.")
    names = sorted(set(labels))
    return np.array([[float(label == name) for label in labels] for name in names])


def _exact(pairs: np.ndarray, sizes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(every value of a resample, its probability), of agreeing pairs and pairs by cluster."""
    counts, chances = zip(*(_multisets(n) for n in pairs.shape), strict=True)
    values = (counts[0] @ pairs @ counts[1].T) / (counts[0] @ sizes @ counts[1].T)
    return values.ravel(), np.outer(chances[0], chances[1]).ravel()


def _multisets(n: int) -> tuple[np.ndarray, np.ndarray]:
    """(how often each of n is drawn, (m, n); the probability, (m,)) for all m resamples of size n."""
    counts = np.array([np.bincount(c, minlength=n) for c in combinations_with_replacement(range(n), n)], dtype=float)
    ways = [math.factorial(n) / math.prod(math.factorial(int(k)) for k in row) for row in counts]
    return counts, np.array(ways) / n**n


def _drawn(pairs: np.ndarray, sizes: np.ndarray, draws: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    first, second = (rng.multinomial(n, np.full(n, 1 / n), draws).astype(np.float64) for n in pairs.shape)
    agree, total = (np.einsum("da,ab,db->d", first, x, second, optimize=True) for x in (pairs, sizes))
    return agree / total, np.full(draws, 1 / draws)


def _with_texts(examples: tuple[np.ndarray, np.ndarray], members: Sequence[np.ndarray], sizes: tuple[int, int],
                draws: int, seed: int) -> np.ndarray:
    """P_B (draws,) of resampled models on resampled texts, which both groups share."""
    first, second = (np.asarray(e, dtype=np.float64) for e in examples)
    texts = first.shape[1]
    if first.shape[0] != sizes[0] or second.shape != (sizes[1], texts):
        raise InputError(f"single losses of {first.shape} and {second.shape} for {sizes[0]} and {sizes[1]} models.")
    rng = np.random.default_rng(seed)
    values: list[np.ndarray] = []
    step = max(1, _CHUNK // (sizes[0] * sizes[1]))
    for start in range(0, draws, step):
        count = min(step, draws - start)
        drawn = rng.multinomial(texts, np.full(texts, 1 / texts), count) / texts
        weights = [rng.multinomial(len(m), np.full(len(m), 1 / len(m)), count) @ m for m in members]
        with np.errstate(invalid="ignore"):  # of an infinite loss on a text that is not drawn
            means = [np.where(np.isfinite(x := drawn @ e.T), x, np.inf) for e in (first, second)]
        rises = means[0][:, :, None] <= means[1][:, None, :]
        agree = np.einsum("da,dab,db->d", weights[0], rises, weights[1], optimize=True)
        values.append(agree / (weights[0].sum(axis=1) * weights[1].sum(axis=1)))
    return np.concatenate(values)


def _quantiles(values: np.ndarray, chances: np.ndarray) -> tuple[float, float]:
    """Ends of the central 95 % of a distribution: no more than 2.5 % lie outside each."""
    order = np.argsort(values)
    sums = np.cumsum(chances[order])
    places = np.minimum(np.searchsorted(sums, [(1 - LEVEL) / 2, (1 + LEVEL) / 2]), len(order) - 1)
    low, high = values[order[places]]
    return float(low), float(high)


def _newcombe(value: float, m: int, n: int) -> tuple[float, float]:
    """Where |θ − value| = z √V(θ), V as of two exponential groups of m and n (Newcombe 2006, method 5)."""

    def end(outer: float) -> float:
        inner = value
        for _ in range(60):
            at = (inner + outer) / 2
            variance = at * (1 - at) / (m * n) * (1 + ((m + n) / 2 - 1) * ((1 - at) / (2 - at) + at / (1 + at)))
            inner, outer = (at, outer) if abs(value - at) <= NORMAL * math.sqrt(variance) else (inner, at)
        return inner

    return end(0.0), end(1.0)
