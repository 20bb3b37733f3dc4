"""Points inside the convex hull of models: the paper's In′, drawn as random convex weights.

The paper draws about as many as there are models, five; here it is 5 to 500. A concentration of 1 draws evenly over
the simplex of weights, a small one near the corners (single models), a large one near the centroid. Samples of lower
faces show how the loss depends on the hull's dimension.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from explorer.errors import InputError
from explorer.types import Gram, Point

FEWEST, MOST = 5, 500
"""How many samples may be asked for."""

CONCENTRATIONS = (0.01, 1000.0)


def samples(ids: Sequence[str], count: int, concentration: float = 1.0, seed: int = 0,
            dimension: int | None = None) -> list[dict[str, float]]:
    """`count` draws of convex weights by model id: none negative, sum 1 to 1e-12.

    Symmetric Dirichlet(concentration) over the models (0.01 to 1000), or, given a `dimension` k, over k + 1 of them
    chosen anew for every draw (a random face; 0 gives the models themselves). Draw i depends on the seed, i and the
    models, whatever their order and however many are drawn, so that more samples keep those measured before.
    InputError for fewer than two models, a count outside 5 … 500, or a concentration or dimension outside its limits.
    """
    names = sorted(set(ids))
    _check(names, count, concentration, dimension)
    drawn = []
    for i in range(count):
        rng = np.random.default_rng([seed, i])
        chosen = names if dimension is None else [names[k] for k in np.sort(
            rng.choice(len(names), dimension + 1, replace=False))]
        weights = rng.dirichlet(np.full(len(chosen), concentration)) if len(chosen) > 1 else np.ones(1)
        drawn.append(dict(zip(chosen, map(float, weights), strict=True)))
    return drawn


def hull_points(base: str, ids: Sequence[str], count: int, concentration: float = 1.0, seed: int = 0,
                dimension: int | None = None) -> list[Point]:
    """The same draws as Points on a base."""
    return [Point.of(base, w) for w in samples(ids, count, concentration, seed, dimension)]


def distances_from(gram: Gram, points: Sequence[Point], centre: Point) -> np.ndarray:
    """‖p − centre‖ of m Points in weight distance, from the Gram alone: shape (m,)."""
    middle = centre.coefficients(gram.ids)
    apart = np.array([p.coefficients(gram.ids) - middle for p in points]).reshape(len(points), len(gram.ids))
    return np.asarray(np.sqrt(np.maximum(np.einsum("mi,ij,mj->m", apart, gram.matrix, apart, optimize=True), 0.0)))


def _check(names: Sequence[str], count: int, concentration: float, dimension: int | None) -> None:
    if len(names) < 2:
        raise InputError(f"a hull of {len(names)} models has no inside; choose at least 2.")
    if not FEWEST <= count <= MOST:
        raise InputError(f"{count} hull samples; {FEWEST} to {MOST} can be drawn.")
    low, high = CONCENTRATIONS
    if not (math.isfinite(concentration) and low <= concentration <= high):
        raise InputError(f"the concentration is {concentration:g}; a number from {low:g} to {high:g} is needed.")
    if dimension is not None and not 0 <= dimension < len(names):
        raise InputError(f"{len(names)} models span faces of dimension 0 to {len(names) - 1}, not {dimension}.")
