"""Planes through weight space, and the grid of Points on them.

A plane is three corner Points with coordinates (0, 0), (b, 0) and (c, d); every (x, y) is an affine mix of the three,
so the corners are exactly on it and their Points are the models' own. Through three Points coordinates are weight
distances (Garipov et al. 2018: Gram–Schmidt, here on the Gram alone); along two random directions or two task vectors
they are coefficients (Li et al. 2018; Ortiz-Jimenez et al. 2023).

A grid is a list of rows: row i has y = ys[i], column j has x = xs[j], both rising, so that the first row is the lowest
when drawn with y upwards.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from explorer.errors import InputError
from explorer.types import Gram, Point
from explorer.weights.directions import Direction

Units = Literal["distance", "coefficient"]

FLAT = 1e-6
"""Corners whose triangle is flatter than this share of its longest side are refused as collinear."""

MARGIN = 0.25


@dataclass(frozen=True)
class Plane:
    """Corners and their coordinates (0, 0), (`b`, 0), (`c`, `d`); b and d are not zero.

    `units` "distance": coordinates are orthonormal, in weight distance. "coefficient": they are factors of the two
    directions, which need be neither orthogonal nor of norm 1. `explained` is the share of variance along the two axes
    where these are principal components. `within` is what there is to see, ((x low, x high), (y low, y high)), where
    that is not just the corners.
    """

    corners: tuple[Point, Point, Point]
    b: float
    c: float
    d: float
    units: Units = "distance"
    explained: tuple[float, float] | None = None
    within: tuple[tuple[float, float], tuple[float, float]] | None = None

    @property
    def coordinates(self) -> np.ndarray:
        """Of the corners, shape (3, 2)."""
        return np.array([[0.0, 0.0], [self.b, 0.0], [self.c, self.d]])

    def weights(self, x: float, y: float) -> tuple[float, float, float]:
        """The affine coefficients of the three corners at (x, y): they sum to 1, and are 1, 0, 0 at a corner."""
        third = y / self.d
        second = (x - third * self.c) / self.b
        return 1.0 - second - third, second, third

    def point(self, x: float, y: float) -> Point:
        """The Point at (x, y); InputError where a coordinate is no finite number."""
        if not (math.isfinite(x) and math.isfinite(y)):
            raise InputError(f"({x:g}, {y:g}) is no place on a plane: both must be finite numbers.")
        mixed: dict[str, float] = {}
        for weight, corner in zip(self.weights(x, y), self.corners, strict=True):
            for key, coefficient in corner.terms:
                mixed[key] = mixed.get(key, 0.0) + weight * coefficient
        return Point.of(self.corners[0].base, mixed)

    def axes(self, size: int, margin: float = MARGIN) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """(xs, ys) of size × size steps over what there is to see, and on each side `margin` of its longer side beyond.

        A place that is nought but for rounding is 0, so that grids of coefficients hold both axes.
        """
        if size < 2 or not (math.isfinite(margin) and margin >= 0):
            raise InputError(f"a grid of {size} steps with margin {margin:g}: at least 2 steps and no less than 0.")
        low, high = self.coordinates.min(axis=0), self.coordinates.max(axis=0)
        if self.within is not None:
            low, high = np.array(self.within).T
        beyond = margin * float((high - low).max())
        across = np.linspace(low - beyond, high + beyond, size)
        across[np.abs(across) < 1e-12 * np.abs(across).max()] = 0.0
        return tuple(map(float, across[:, 0])), tuple(map(float, across[:, 1]))

    def grid(self, xs: Sequence[float], ys: Sequence[float]) -> list[list[Point]]:
        """Points by row and column: [i][j] is at (xs[j], ys[i])."""
        return [[self.point(x, y) for x in xs] for y in ys]


@dataclass(frozen=True, eq=False)
class Shadows:
    """n models projected onto a plane: `coords` (n, 2) there, and `apart` (n,) their weight distance from it."""

    ids: tuple[str, ...]
    coords: np.ndarray
    apart: np.ndarray


def through(gram: Gram, a: Point, b: Point, c: Point) -> Plane:
    """The plane through three Points: a at the origin, b on the x-axis, c above it.

    InputError for Points on different bases, of checkpoints without Gram row, or on one line; it names what they are.
    """
    _one_base(a, b, c)
    start, *ends = (p.coefficients(gram.ids) for p in (a, b, c))
    first, second = (e - start for e in ends)
    ab, ac, bc = (_norm(gram, v) for v in (first, second, second - first))
    longest = max(ab, ac, bc)
    for names, length in (("first and second", ab), ("first and third", ac), ("second and third", bc)):
        if length <= FLAT * longest or longest == 0:
            raise InputError(f"the {names} corners are the same place: a plane needs three different ones.")
    along = float(first @ gram.matrix @ second) / ab**2
    height = _norm(gram, second - along * first)
    if height <= FLAT * longest:
        raise InputError(f"the three corners lie on one line (the third is at α = {along:.4g} from the first to the "
                         "second): choose a third that does not, or draw the line.")
    return Plane((a, b, c), ab, along * ab, height)


def principal(gram: Gram, base: str, ids: Sequence[str] | None = None) -> Plane:
    """The plane of the two first principal components of n task vectors, origin at their mean, in weight distance.

    The corners are the mean and one standard deviation from it along each component; all models are within sight.
    InputError for fewer than three models, or models that lie on one line.
    """
    chosen = gram if ids is None else gram.subset(ids)
    n = len(chosen.ids)
    if n < 3:
        raise InputError(f"two principal components need at least 3 models, not {n}.")
    centring = np.eye(n) - 1.0 / n
    values, vectors = np.linalg.eigh(centring @ chosen.matrix @ centring)
    values, vectors = np.maximum(values[::-1], 0.0), centring @ vectors[:, ::-1]
    if values[1] <= FLAT**2 * values[0] or values[0] == 0:
        raise InputError("the models lie on one line or in one place: there is no second principal component.")
    # an eigenvector's sign is arbitrary; a fixed one keeps the plane the same on every machine
    axes = vectors[:, :2] * [math.copysign(1.0, v[np.abs(v).argmax()]) for v in vectors[:, :2].T]
    mean, deviations = np.full(n, 1.0 / n), np.sqrt(values[:2] / n)
    corners = [mean, *(mean + axis / math.sqrt(n) for axis in axes.T)]
    a, b, c = (Point.of(base, dict(zip(chosen.ids, map(float, w), strict=True))) for w in corners)
    places = axes * np.sqrt(values[:2])
    (left, low), (right, high) = places.min(axis=0).tolist(), places.max(axis=0).tolist()
    total = float(values.sum())
    return Plane((a, b, c), float(deviations[0]), 0.0, float(deviations[1]),
                 explained=(float(values[0]) / total, float(values[1]) / total), within=((left, right), (low, high)))


def random_plane(centre: Point, seed: int = 0) -> Plane:
    """A Point and two filter-normalised random directions (Li et al. 2018); coordinates are their factors, −1 to 1.

    Random directions of many values are at right angles, give or take 1 / √d.
    """
    return _spanned(centre, *({Direction("filter", 2 * seed + k).id: 1.0} for k in range(2)))


def coefficient_plane(base: str, first: Point, second: Point) -> Plane:
    """base + α₁ Δ₁ + α₂ Δ₂ with x = α₁ and y = α₂: the map of weight disentanglement (Ortiz-Jimenez et al. 2023)."""
    origin = Point.of(base)
    _one_base(origin, first, second)
    if not first.terms or not second.terms or first == second:
        raise InputError("two different task vectors are needed, neither of them the base itself.")
    return Plane((origin, first, second), 1.0, 0.0, 1.0, "coefficient")


def project(plane: Plane, gram: Gram, models: Sequence[Point] | None = None) -> Shadows:
    """Every model of the Gram (or the given Points, by number) on a plane whose coordinates are distances.

    InputError for a plane of coefficients, or corners without Gram row.
    """
    if plane.units != "distance":
        raise InputError("models have a place on a plane of distances; this one's axes are coefficients.")
    start, *ends = (p.coefficients(gram.ids) for p in plane.corners)
    u = (ends[0] - start) / plane.b
    v = (ends[1] - start - plane.c * u) / plane.d
    products = gram.matrix @ np.column_stack([u, v, start])
    offset = start @ products
    if models is None:
        along, own = products, np.diag(gram.matrix)
    else:
        places = np.array([p.coefficients(gram.ids) for p in models]).reshape(-1, len(gram.ids))
        along, own = places @ products, np.einsum("mi,mi->m", places @ gram.matrix, places)
    coords = along[:, :2] - offset[:2]
    squares = own - 2 * along[:, 2] + offset[2]
    left = squares - np.square(coords).sum(axis=1)
    # near the plane the difference of squares is all rounding: there the vector that is left over is formed itself
    for k in np.flatnonzero(left <= 1e-4 * (np.abs(squares).max(initial=0.0) + np.abs(own).max(initial=0.0))):
        place = np.eye(1, len(gram.ids), int(k))[0] if models is None else places[k]
        rest = place - start - coords[k, 0] * u - coords[k, 1] * v
        left[k] = _norm(gram, rest) ** 2
    names = gram.ids if models is None else tuple(map(str, range(len(models))))
    return Shadows(names, coords, np.sqrt(np.maximum(left, 0.0)))


def _spanned(origin: Point, first: dict[str, float], second: dict[str, float]) -> Plane:
    mine = dict(origin.terms)
    ends = [Point.of(origin.base, {**mine, **{k: mine.get(k, 0.0) + c for k, c in step.items()}})
            for step in (first, second)]
    return Plane((origin, ends[0], ends[1]), 1.0, 0.0, 1.0, "coefficient", within=((-1.0, 1.0), (-1.0, 1.0)))


def _norm(gram: Gram, coefficients: np.ndarray) -> float:
    return math.sqrt(max(float(coefficients @ gram.matrix @ coefficients), 0.0))


def _one_base(*points: Point) -> None:
    if len({p.base for p in points}) > 1:
        raise InputError("the corners have different bases; a plane needs all on one base.")
