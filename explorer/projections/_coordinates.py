"""Algebra shared by the maps: exact coordinates of task vectors from their inner products.

With metric "euclidean" a task vector is taken as it is, with "cosine" at unit length, so that Euclidean distance
between coordinates is the chord 2 sin(angle / 2). A task vector of length zero (the base itself) is the origin under
both. Everything is computed in the order of the ids, not in the order given, so that a permutation of the
checkpoints permutes a map exactly. Nothing here imports more than numpy.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from explorer.errors import InputError
from explorer.projections._leading import leading
from explorer.types import Gram, Metric, Point, Projection, Sketched

RANK_TOLERANCE = 1e-11
"""Eigenvalues below this share of the largest are rounding errors of a float64 Gram, not directions."""
_MANY = 512
"""From more checkpoints on, the axes of a map are found without those that nobody sees."""
_SURE, _NEAR = 1e-10, 1e-4
"""How exactly, of the largest eigenvalue: of a Gram as if all had been found, of a sketch far below its own error."""


def ordered(gram: Gram) -> Gram:
    """The same Gram with its checkpoints in the order of their ids."""
    return gram.subset(sorted(gram.ids))


def check(gram: Gram, dims: int, metric: str, least: int, method: str) -> None:
    """InputError unless a map of `dims` dimensions can be made of at least `least` finite task vectors."""
    if dims not in (2, 3) or isinstance(dims, bool):
        raise InputError(f"a map has 2 or 3 dimensions, not {dims!r}.")
    if metric not in ("cosine", "euclidean"):
        raise InputError(f"unknown metric {metric!r}; use cosine or euclidean.")
    if len(gram.ids) < least:
        raise InputError(
            f"{method} needs at least {least} checkpoints and there are {len(gram.ids)}: import or select more."
        )
    if not gram.finite:
        raise InputError("the Gram holds values that are not finite: recompute it with `gram`.")


def similarity(gram: Gram, metric: Metric) -> np.ndarray:
    """Inner products of the vectors a map shows, shape (n, n): Δ itself (euclidean) or Δ / ‖Δ‖ (cosine)."""
    if metric == "euclidean":
        return gram.matrix
    scale = unit_scale(gram.norms)
    return gram.matrix * np.outer(scale, scale)


def unit_scale(norms: np.ndarray) -> np.ndarray:
    """1 / ‖Δ‖, and 0 where ‖Δ‖ is 0; same shape."""
    return np.divide(1.0, norms, out=np.zeros_like(norms), where=norms > 0)


def point_rows(gram: Gram, points: Sequence[Point], metric: Metric) -> np.ndarray:
    """Inner products of m Points' vectors with the n the map is made of, shape (m, n)."""
    inner = [gram.inner(point) for point in points]
    rows = np.array([row for row, _ in inner]).reshape(len(points), len(gram.ids))
    if metric == "euclidean":
        return rows
    lengths = np.sqrt(np.maximum([square for _, square in inner], 0.0))
    # p and its norm come from the same rounded Gram: a combination that cancels out is the base, not noise blown up.
    floor = 1e-7 * float(gram.norms.max(initial=0.0))
    lengths = np.where(lengths > floor, lengths, 0.0)
    return rows * unit_scale(lengths)[:, None] * unit_scale(gram.norms)[None, :]


@dataclass(frozen=True, eq=False)
class Coordinates:
    """Full-rank coordinates `values` (n, r) whose inner products are `similarity`; axes by falling variance."""

    values: np.ndarray
    eigenvalues: np.ndarray

    def of(self, rows: np.ndarray) -> np.ndarray:
        """Coordinates (m, r) of vectors given by their inner products with the n, shape (m, n)."""
        return (rows @ self.values) / self.eigenvalues


def coordinates(gram: Gram, metric: Metric) -> Coordinates:
    """Full-rank coordinates of a Gram, in its order, with deterministic signs; r is its numerical rank, at least 1."""
    values, vectors = eigen(similarity(gram, metric))
    rank = max(1, int((values > RANK_TOLERANCE * values[0]).sum()))
    kept = np.where(values[:rank] > 0, values[:rank], 1.0)
    return Coordinates(vectors[:, :rank] * np.sqrt(np.maximum(values[:rank], 0.0)), kept)


def principal(gram: Gram, metric: Metric, dims: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Centred principal coordinates of a Gram, in its order.

    Returns coords (n, k); weights (n, k), the map from centred inner products to coordinates; and the explained
    shares (k,). Axes beyond the rank are zero. Equals PCA of the explicit vectors (Schölkopf et al. 1998).
    """
    values, vectors, total = _principal_axes(gram, metric, dims)
    n, found = len(gram.ids), min(dims, len(values))
    coords, weights, shares = np.zeros((n, dims)), np.zeros((n, dims)), np.zeros(dims)
    for axis in range(found):
        if values[axis] > RANK_TOLERANCE * values[0] and values[axis] > 0:
            root = np.sqrt(values[axis])
            coords[:, axis], weights[:, axis] = vectors[:, axis] * root, vectors[:, axis] / root
            shares[axis] = values[axis] / total
    return coords, weights, shares


def _principal_axes(gram: Gram, metric: Metric, dims: int) -> tuple[np.ndarray, np.ndarray, float]:
    """Eigenvalues and eigenvectors of the centred similarity, `dims` of them at least, and the sum of all."""
    n = len(gram.ids)
    if isinstance(gram, Sketched):
        rows, scale, mean = features(gram, metric)

        def apply(v: np.ndarray) -> np.ndarray:
            v = v.astype(rows.dtype)  # else every product would make a copy of the rows in the precision of v
            across = rows.T @ (scale[:, None] * v) - np.outer(mean, v.sum(axis=0))
            return (scale[:, None] * (rows @ across) - mean @ across).astype(np.float64)

        squares = np.einsum("i,i->", scale**2, gram.norms**2) - n * float(mean @ mean)
        if (found := leading(apply, n, dims, _NEAR)) is not None:
            return found[0], signed(found[1]), max(float(squares), 0.0)
    centred = centre(similarity(gram, metric))
    if n > _MANY and (found := leading(lambda v: centred @ v, n, dims, _SURE)) is not None:
        return found[0], signed(found[1]), float(np.trace(centred))
    values, vectors = eigen(centred)
    return values, vectors, float(np.maximum(values, 0.0).sum())


def features(gram: Sketched, metric: Metric) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(rows (n, r), scale (n,), mean (r,)) in one precision: a map's vectors are scale · rows, and mean is theirs."""
    rows = gram.rows
    scale = (np.ones(len(rows)) if metric == "euclidean" else unit_scale(gram.norms)).astype(rows.dtype)
    return rows, scale, scale @ rows / max(len(rows), 1)


def mean_row(gram: Gram, metric: Metric) -> np.ndarray:
    """The inner products of a map's mean vector with its vectors, shape (n,)."""
    if isinstance(gram, Sketched):
        rows, scale, mean = features(gram, metric)
        return np.asarray(scale * (rows @ mean), dtype=np.float64)
    return similarity(gram, metric).mean(axis=0)


def centre(matrix: np.ndarray) -> np.ndarray:
    """H K H with H = I − 11ᵀ / n: inner products after the mean vector is taken off, shape (n, n)."""
    mean = matrix.mean(axis=0)
    return matrix - mean[None, :] - mean[:, None] + mean.mean()


def eigen(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Eigenvalues (n,) falling and eigenvectors (n, n) of a symmetric matrix, signs fixed.

    The entry of largest size is positive in every vector; among entries of nearly that size the first decides, so
    that two opposite checkpoints do not swap sides with the last bit of a sum.
    """
    values, vectors = np.linalg.eigh((matrix + matrix.T) / 2)
    return values[::-1], signed(vectors[:, ::-1])


def signed(vectors: np.ndarray) -> np.ndarray:
    """Eigenvectors (n, k) with the signs that `eigen` gives them."""
    sizes = np.abs(vectors)
    first = np.argmax(sizes >= sizes.max(axis=0) * (1 - 1e-6), axis=0)
    return vectors * np.where(vectors[first, np.arange(vectors.shape[1])] < 0, -1.0, 1.0)


def projection(gram: Gram, coords: np.ndarray, method: str, metric: Metric,
               explained: tuple[float, ...] | None = None) -> Projection:
    """The Projection of coords (n, k) that were computed in the order of the ids, back in the order of `gram`."""
    place = {key: row for row, key in enumerate(sorted(gram.ids))}
    rows = [place[key] for key in gram.ids]
    return Projection(gram.ids, np.ascontiguousarray(coords[rows], dtype=np.float64), method, metric, explained)
