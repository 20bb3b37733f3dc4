"""Metric multidimensional scaling of the exact distances between task vectors (SMACOF; de Leeuw 1977)."""

from __future__ import annotations

import numpy as np

from explorer.projections._coordinates import check, ordered, principal, projection, similarity
from explorer.types import Gram, Metric, Projection


def mds(gram: Gram, dims: int, metric: Metric = "cosine", *, seed: int = 0, iterations: int = 300) -> Projection:
    """Metric MDS of n ≥ 3 task vectors by stress majorisation, started at their PCA: coords (n, k)."""
    from sklearn.manifold import smacof

    check(gram, dims, metric, 3, "MDS")
    sorted_gram = ordered(gram)
    start, _, _ = principal(sorted_gram, metric, dims)
    coords, _ = smacof(distances(sorted_gram, metric), n_components=dims, init=start, n_init=1, max_iter=iterations,
                       random_state=seed, normalized_stress=False)
    return projection(gram, coords, "mds", metric)


def distances(gram: Gram, metric: Metric) -> np.ndarray:
    """Euclidean distances between the vectors of a map, shape (n, n): ‖xᵢ − xⱼ‖² = Kᵢᵢ + Kⱼⱼ − 2 Kᵢⱼ."""
    matrix = similarity(gram, metric)
    squares = np.diag(matrix)
    found = np.sqrt(np.maximum(squares[:, None] + squares[None, :] - 2 * matrix, 0.0))
    np.fill_diagonal(found, 0.0)
    return (found + found.T) / 2
