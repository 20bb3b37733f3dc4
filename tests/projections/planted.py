"""Planted task vectors for the tests of maps: explicit vectors with their Gram, and two clusters far apart."""

from __future__ import annotations

import numpy as np

from explorer.types import Gram, Group

ATTENTION, NORM = Group("0", "attention"), Group("1", "norm")


def gram_of(vectors: np.ndarray, ids: tuple[str, ...] | None = None, split: int | None = None) -> Gram:
    """Gram of explicit vectors (n, d) whose first `split` values are one group and the others a second."""
    split = vectors.shape[1] // 2 if split is None else split
    parts = [vectors[:, :split], vectors[:, split:]]
    ids = ids or tuple(f"{i:04d}" for i in range(len(vectors)))
    return Gram(ids, (ATTENTION, NORM), np.stack([p @ p.T for p in parts]).astype(np.float64))


def random_vectors(n: int, d: int = 40, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, d)) * rng.uniform(0.5, 2.0, size=(n, 1)) + rng.normal(size=d)


def two_clusters(each: int = 12, d: int = 60, seed: int = 0) -> np.ndarray:
    """Two clusters of `each` vectors: cosine about .5 within, 0 between."""
    rng = np.random.default_rng(seed)
    centres = np.repeat(np.eye(2, d), each, axis=0)
    return centres + rng.normal(size=(2 * each, d)) / np.sqrt(d)
