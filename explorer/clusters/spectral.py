"""Spectral clustering of the likeness graph, as in "Knowledge is a Region in Weight Space" (arXiv 2302.04863).

Shi and Malik's normalised cut: the first k eigenvectors of the normalised likeness, divided by √degree, are clustered
by k-means. The algorithm is that of scikit-learn's SpectralClustering(affinity="precomputed"), with another solver.
"""

from __future__ import annotations

import warnings

import numpy as np

from explorer.clusters._eigengap import MOST, choose, largest
from explorer.clusters._geometry import check, likeness, made
from explorer.types import ClusterMetric, Clusters, Gram

_SMALL = 1_000_000


def spectral(gram: Gram, k: int | None = None, metric: ClusterMetric = "cosine", *, seed: int = 0,
             bandwidth: float = 1.0, starts: int = 10) -> Clusters:
    """k clusters of n ≥ 3 models; k None: by the largest eigengap. `bandwidth` is for the Euclidean metrics alone."""
    check(gram, k, metric)
    n = len(gram.ids)
    values, vectors, root = largest(likeness(gram, metric, bandwidth), min(k or MOST + 1, n), seed)
    k = choose(values) if k is None else k
    return made(gram, partition(vectors[:, :k] / root[:, None], k, seed, starts), "spectral", metric)


def partition(coords: np.ndarray, k: int, seed: int, starts: int) -> np.ndarray:
    """k-means labels (n,) of coordinates (n, r): the best of some seeded starts."""
    from sklearn.cluster import KMeans
    from sklearn.exceptions import ConvergenceWarning
    from threadpoolctl import threadpool_limits

    # Threads wait for each other longer than small sums take. Copies of a model may leave fewer distinct places than
    # k; the labels then say so themselves.
    with (threadpool_limits(1 if coords.size < _SMALL else None),
          warnings.catch_warnings(action="ignore", category=ConvergenceWarning)):
        found: np.ndarray = KMeans(k, n_init=starts, random_state=seed).fit_predict(coords)
    return found
