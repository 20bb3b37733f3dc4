"""How far one can go before a loss is passed: the first radius at which it is above others, with an interval.

Losses between two measured radii are taken as a line. Intervals are 95 % percentile bootstraps over the test texts,
which the walk and those it is compared with share, and over the walks where there are several.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from explorer.types import Score

REPEATS = 1000


@dataclass(frozen=True)
class Crossing:
    """The first `radius` at which a loss exceeds a limit; ∞ where it never does as far as it was followed.

    `low` and `high` bound it in 95 of 100 resamples (∞: beyond what was followed), NaN without single texts' losses.
    """

    radius: float
    low: float
    high: float


def first_above(radii: Sequence[float], losses: Sequence[float], limit: float) -> float:
    """The radius at which losses (m,) at rising `radii` (m,) first exceed `limit`, ∞ if never; a NaN is above."""
    return float(_first(np.asarray(radii, float), np.asarray(losses, float)[None], np.array([limit]))[0])


def crossing(radii: Sequence[float], walks: Sequence[Sequence[Score]], others: Sequence[Score],
             seed: int = 0) -> Crossing:
    """Where the mean loss of walks, each scored at `radii` (m,), first exceeds the highest of `others`' losses.

    The interval draws texts for all of them together, and walks if there are two or more. ValueError for no walks or
    no others.
    """
    if not walks or not others:
        raise ValueError("a crossing needs at least one walk and one score to compare with.")
    at = np.asarray(radii, float)
    levels = np.array([[s.loss for s in walk] for walk in walks])
    radius = first_above(radii, levels.mean(axis=0), max(s.loss for s in others))
    every = [*(s for walk in walks for s in walk), *others]
    sizes = {len(s.losses) for s in every}
    if len(sizes) != 1 or min(sizes) < 2 or len({s.probe for s in every}) > 1:
        return Crossing(radius, math.nan, math.nan)
    rng, texts = np.random.default_rng(seed), sizes.pop()
    drawn = rng.multinomial(texts, np.full(texts, 1 / texts), size=REPEATS) / texts
    finite = np.isfinite(levels)  # (w, m)
    single = np.array([[s.losses for s in walk] for walk in walks], dtype=np.float64)
    single[~finite] = 0.0
    beside = np.array([s.losses for s in others], dtype=np.float64) @ drawn.T
    along = np.where(finite, np.einsum("wmb,rb->rwm", single, drawn, optimize=True), np.inf)
    chosen = rng.integers(len(walks), size=(REPEATS, len(walks)))
    means = np.take_along_axis(along, chosen[:, :, None], axis=1).mean(axis=1)
    low, high = np.quantile(_first(at, means, beside.max(axis=0)), [0.025, 0.975], method="nearest")
    return Crossing(radius, float(low), float(high))


def _first(radii: np.ndarray, losses: np.ndarray, limits: np.ndarray) -> np.ndarray:
    """`first_above` of every row: losses (r, m), limits (r,)."""
    above = ~(losses <= limits[:, None])
    found = np.full(len(losses), math.inf)
    for row in np.flatnonzero(above.any(axis=1)):
        k = int(above[row].argmax())
        if k == 0:
            found[row] = radii[0]
            continue
        inner, outer = losses[row, k - 1], losses[row, k]
        share = (limits[row] - inner) / (outer - inner) if math.isfinite(outer) else 0.0
        found[row] = radii[k - 1] + share * (radii[k] - radii[k - 1])
    return found
