"""UMAP of the task vectors, fitted on their full-rank coordinates (McInnes, Healy and Melville 2018)."""

from __future__ import annotations

import functools
import warnings
from typing import Any

import numpy as np

from explorer.projections._coordinates import Coordinates, check, coordinates, ordered, projection
from explorer.types import Gram, Metric, Projection


def umap(gram: Gram, dims: int, metric: Metric = "cosine", *, seed: int = 0, neighbours: int = 15,
         min_dist: float = 0.1) -> Projection:
    """Seeded UMAP of n ≥ 3 task vectors: coords (n, k); `neighbours` shrinks to n − 1 where n is small."""
    check(gram, dims, metric, 3, "UMAP")
    model, _ = fitted(ordered(gram), dims, metric, seed, neighbours, min_dist)
    return projection(gram, model.embedding_, "umap", metric)


def fitted(gram: Gram, dims: int, metric: Metric, seed: int, neighbours: int = 15,
           min_dist: float = 0.1) -> tuple[Any, Coordinates]:
    """The fitted UMAP model and the coordinates it was fitted on, for a Gram in the order of its ids.

    Fits are kept per process by content, so that placing Points after drawing the map does not fit again.
    """
    found = coordinates(gram, metric)
    return _fit(found.values.tobytes(), found.values.shape, dims, seed, neighbours, min_dist), found


@functools.lru_cache(maxsize=4)
def _fit(raw: bytes, shape: tuple[int, int], dims: int, seed: int, neighbours: int, min_dist: float) -> Any:
    # The package warns on import where tensorflow, which this project has no use for, is not installed.
    with warnings.catch_warnings(action="ignore", category=ImportWarning):
        from umap import UMAP

    n = shape[0]
    model = UMAP(
        n_components=dims, n_neighbors=min(neighbours, n - 1), min_dist=min_dist, random_state=seed, n_jobs=1,
        # The spectral start needs more checkpoints than eigenvectors.
        init="spectral" if n > dims + 2 else "random",
    )
    return model.fit(np.frombuffer(raw, dtype=np.float64).reshape(shape))
