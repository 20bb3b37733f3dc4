"""Principal components of the task vectors, from their Gram alone. Needs numpy, so that it runs in the app process."""

from __future__ import annotations

from explorer.projections._coordinates import check, ordered, principal, projection
from explorer.types import Gram, Metric, Projection


def pca(gram: Gram, dims: int, metric: Metric = "cosine", *, seed: int = 0) -> Projection:
    """Centred PCA of n ≥ 2 task vectors: coords (n, k), the share of variance per axis.

    Equals PCA of the explicit vectors (at unit length under "cosine") up to the sign of an axis. There is nothing
    random in it: `seed` is accepted because every method takes one.
    """
    check(gram, dims, metric, 2, "PCA")
    coords, _, shares = principal(ordered(gram), metric, dims)
    return projection(gram, coords, "pca", metric, tuple(float(share) for share in shares))
