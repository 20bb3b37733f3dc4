"""Task vectors that are at hand, and their Gram, to compare what is read off the Gram with."""

from __future__ import annotations

import numpy as np

from explorer.types import Gram, Group, Layout, Point

LAYOUT = Layout.of([("e", (50, 8), Group("embeddings", "embeddings")), ("a.w", (30, 17), Group("0", "attention")),
                    ("a.b", (17,), Group("0", "bias")), ("f.w", (21, 9), Group("0", "feed-forward"))])


def vectors(n, d=60, seed=0, rank=None):
    """Task vectors (n, d) float64, of a lower rank on demand."""
    rng = np.random.default_rng(seed)
    if rank is None:
        return rng.normal(size=(n, d))
    return rng.normal(size=(n, rank)) @ rng.normal(size=(rank, d))


def gram_of(deltas):
    """Their Gram in two groups: the first third of the values, and the rest."""
    cut = deltas.shape[1] // 3
    parts = deltas[:, :cut], deltas[:, cut:]
    return Gram(tuple(f"m{i:02d}" for i in range(len(deltas))), (Group("0", "attention"), Group("0", "bias")),
                np.stack([p @ p.T for p in parts]))


def vector(point, gram, deltas):
    """The explicit task vector of a Point, (d,)."""
    return point.coefficients(gram.ids) @ deltas


def some_point(rng, gram):
    return Point.of("base", dict(zip(gram.ids, map(float, rng.normal(size=len(gram.ids))), strict=True)))
