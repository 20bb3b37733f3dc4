"""k-means of the task vectors (unit task vectors under "cosine"), exact from their inner products.

The vectors are replaced by the rows of a Cholesky factor, which have the same inner products. A small multiple of the
identity is added first, so that a Gram of less than full rank has a factor; that moves every pair apart by the same
amount, and so changes the cost of every partition by the same amount (Roth et al. 2003).
"""

from __future__ import annotations

import numpy as np

from explorer.clusters._eigengap import count
from explorer.clusters._geometry import check, id_order, likeness, made, products
from explorer.clusters.spectral import partition
from explorer.types import ClusterMetric, Clusters, Gram

_SHIFT = 1e-6
"""Share of the mean squared length; well above the rounding of a Gram, well below what tells models apart."""


def kmeans(gram: Gram, k: int | None = None, metric: ClusterMetric = "cosine", *, seed: int = 0,
           starts: int = 10) -> Clusters:
    """k clusters of n ≥ 3 models, the best of `starts` seeded starts; k None: by the eigengap of their likeness."""
    check(gram, k, metric)
    k = count(likeness(gram, metric), seed) if k is None else k
    order = id_order(gram)
    inner = products(gram, metric)[np.ix_(order, order)]
    inner[np.diag_indices_from(inner)] += _SHIFT * (float(np.diag(inner).mean()) or 1.0)
    return made(gram, partition(np.linalg.cholesky(inner), k, seed, starts), "kmeans", metric)
