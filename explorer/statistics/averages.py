"""Means over pairs, data sets or models with 95 % intervals: Student's t for values, Wilson's score for shares."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from explorer.errors import InputError
from explorer.statistics.readings import NORMAL


@dataclass(frozen=True)
class Average:
    """A mean over n values with its 95 % interval; ± ∞ (or 0 and 1 of a share) where n says nothing of it."""

    value: float
    low: float
    high: float
    n: int


def mean(values: Sequence[float]) -> Average:
    """Mean of n values taken as independent, with Student's interval. InputError for none, or one that is no number."""
    known = np.asarray(values, dtype=np.float64)
    if not len(known) or np.isnan(known).any():
        raise InputError(f"a mean of {len(known)} values, {int(np.isnan(known).sum())} of them not known.")
    n, middle = len(known), float(known.mean())
    if n == 1 or not np.isfinite(known).all():
        return Average(middle, -math.inf, math.inf, n)
    from scipy.stats import t

    half = float(t.ppf(0.975, n - 1) * known.std(ddof=1) / math.sqrt(n))
    return Average(middle, middle - half, middle + half, n)


def proportion(hits: int, n: int) -> Average:
    """A share of n trials with Wilson's interval (1927), which is of use for few trials and near 0 and 1."""
    if not 0 <= hits <= n or n < 1:
        raise InputError(f"{hits} of {n}: a share needs at least one trial, and no more hits than trials.")
    share, z = hits / n, NORMAL
    middle = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * math.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    return Average(share, max(middle - half, 0.0), min(middle + half, 1.0), n)
