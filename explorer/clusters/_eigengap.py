"""Eigenvectors of a likeness graph, and how many clusters it has: the largest eigengap (von Luxburg 2007, sec. 8.3).

The normalised likeness is N = D^-½ W D^-½, whose eigenvalues are 1 minus those of the normalised Laplacian. A model's
likeness to itself is no edge of the graph: task vectors are nearly orthogonal, and it would outweigh all the others
(measured on the embedded zoo by data set: 50 % accuracy with it, 100 % without). A model like no other is a part of its
own. Of few models all eigenvectors are found at once; of many only the largest, by Lanczos from a seeded start.
"""

from __future__ import annotations

import numpy as np

DENSE = 1500
"""Up to this many models the whole spectrum is computed (2 s on two cores)."""

MOST = 50
"""More clusters than this are not looked for: say k."""


def largest(weights: np.ndarray, count: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The `count` largest eigenvalues (count,), falling, of N; their vectors (n, count); and √degree (n,)."""
    import scipy.linalg
    from scipy.sparse.linalg import eigsh

    n = len(weights)
    scaled = weights.copy()
    np.fill_diagonal(scaled, 0.0)
    degrees = scaled.sum(axis=1)
    root = np.sqrt(np.where(degrees > 0, degrees, 1.0))
    scaled /= root[:, None]
    scaled /= root[None, :]
    scaled[np.diag_indices(n)] = degrees == 0
    if n <= DENSE or count >= n - 1:
        values, vectors = scipy.linalg.eigh(scaled, subset_by_index=[max(0, n - count), n - 1])
    else:
        start = np.random.default_rng(seed).uniform(-1, 1, n)
        values, vectors = eigsh(scaled, k=count, which="LA", v0=start, ncv=min(n - 1, max(3 * count, count + 40)),
                                tol=1e-6)
    order = np.argsort(values)[::-1]
    return values[order], vectors[:, order], root


def choose(values: np.ndarray) -> int:
    """k ≥ 2 where the gap between the falling eigenvalues k and k + 1 is largest.

    Of clusters within clusters it tells the coarsest: on the embedded zoo 2 (topics and the rest), not 17 data sets.
    """
    return int(np.argmax(values[1:-1] - values[2:])) + 2


def count(weights: np.ndarray, seed: int) -> int:
    """How many clusters a likeness graph of n ≥ 3 models has, from 2 to n − 1 and at most MOST."""
    values, _, _ = largest(weights, min(MOST + 1, len(weights)), seed)
    return choose(values)
