"""Where a Point that is no checkpoint lies in an existing map: exactly for PCA, through its transform for UMAP.

t-SNE and MDS have no place for new points: their coordinates are found for all checkpoints together.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from explorer.errors import UnavailableError, UnknownNameError
from explorer.projections._coordinates import check, mean_row, ordered, point_rows, principal, projection, unit_scale
from explorer.registry import names
from explorer.types import Gram, Metric, Point, Projection


def place(gram: Gram, points: Sequence[Point], method: str = "pca", dims: int = 2, metric: Metric = "cosine", *,
          seed: int = 0) -> np.ndarray:
    """Coordinates (m, k) of m linear Points in the map that `method` makes of `gram` with its default options.

    UnavailableError for a method that can't place; InputError if a Point uses a checkpoint outside `gram`.
    """
    if method == "pca":
        return _in_pca(gram, points, dims, metric)
    if method == "umap":
        return _in_umap(gram, points, dims, metric, seed)
    known = names("explorer.projections")
    if method not in known:
        raise UnknownNameError("projection method", method, known)
    raise UnavailableError(
        f"a {method} map can't show Points that are no checkpoints, because it places all checkpoints together: "
        "use pca (exact) or umap (approximate)."
    )


def _in_pca(gram: Gram, points: Sequence[Point], dims: int, metric: Metric) -> np.ndarray:
    check(gram, dims, metric, 2, "PCA")
    gram = ordered(gram)
    _, weights, _ = principal(gram, metric, dims)
    # ⟨p − μ, xⱼ − μ⟩ from ⟨p, xⱼ⟩: the columns of `weights` sum to zero, so terms that are equal for all j drop out.
    return (point_rows(gram, points, metric) - mean_row(gram, metric)) @ weights


def pca_and_base(gram: Gram, dims: int, metric: Metric) -> tuple[Projection, np.ndarray]:
    """The map that `pca` makes, and the base's place (k,) in it, from the same axes."""
    check(gram, dims, metric, 2, "PCA")
    coords, weights, shares = principal(ordered_gram := ordered(gram), metric, dims)
    found = projection(gram, coords, "pca", metric, tuple(float(share) for share in shares))
    return found, -mean_row(ordered_gram, metric) @ weights


def between(gram: Gram, coords: np.ndarray, origin: np.ndarray, points: Sequence[Point], metric: Metric) -> np.ndarray:
    """Coordinates (m, k) of m linear Points in a PCA map that is there already.

    gram holds the checkpoints in the Points' terms, coords (n, k) where these lie and origin (k,) where the base does:
    centred PCA is linear, so that the rest of the map need not be known. Equals `place`.
    """
    found = np.empty((len(points), len(origin)))
    for row, point in enumerate(points):
        c = point.coefficients(gram.ids)
        if metric == "cosine":
            length = np.sqrt(max(gram.inner(point)[1], 0.0))
            c = c * gram.norms * unit_scale(np.array([length if length > 1e-7 * gram.norms.max(initial=0) else 0.0]))
        found[row] = c @ coords + (1 - c.sum()) * origin
    return found


def _in_umap(gram: Gram, points: Sequence[Point], dims: int, metric: Metric, seed: int) -> np.ndarray:
    from explorer.projections.umap import fitted

    check(gram, dims, metric, 3, "UMAP")
    model, known = fitted(ordered(gram), dims, metric, seed)
    if not points:
        return np.zeros((0, dims))
    found = known.of(point_rows(ordered(gram), points, metric))
    placed = np.asarray(model.transform(found), dtype=np.float64)
    # The transform is approximate even where a Point is a checkpoint; a checkpoint belongs on its own dot.
    gaps = np.linalg.norm(found[:, None, :] - known.values[None, :, :], axis=2)
    nearest = gaps.argmin(axis=1)
    same = gaps[np.arange(len(points)), nearest] <= 1e-6 * np.linalg.norm(known.values, axis=1).max()
    placed[same] = model.embedding_[nearest[same]]
    return placed
