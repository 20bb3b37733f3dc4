"""Mixtures of n models: weights on task vectors, presets for them, and the weights that lie under a place of the map.

The weights need not sum to 1: what they lack lies on the base. `nearest` is short enough to be repeated step by step in
another language; its steps are in the docstrings of `_free` and `_convex`. It holds for maps on which a Point lies at
the same mixture of the models' places (PCA of task vectors); on others it is a place to begin with.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from explorer.errors import InputError
from explorer.types import Point

PULL = 1e-4
"""How strongly convex weights are pulled towards even ones, where squared distance is in mean squared radii."""

_MOST_EXCHANGES = 10


def mixture(base: str, weights: Mapping[str, float]) -> Point:
    """base + Σ wⱼ Δⱼ, weights by checkpoint id; RecipeError where one is no finite number."""
    return Point.of(base, weights)


def uniform(ids: Sequence[str]) -> dict[str, float]:
    """The centroid: 1 / k on each of k models; InputError for none."""
    if not ids:
        raise InputError("a mixture needs at least one model: select some on the map.")
    return {i: 1.0 / len(ids) for i in ids}


def negation(a: str, *, scale: float = 1.0) -> dict[str, float]:
    """base − scale · A: forgetting what A learned (Ilharco et al. 2023)."""
    return {a: -scale}


def addition(ids: Sequence[str], scale: float = 1.0) -> dict[str, float]:
    """base + scale · (A + B + …): what all of them learned (Ilharco et al. 2023, who choose scale .3 to .5)."""
    uniform(ids)
    return _summed((i, scale) for i in ids)


def analogy(a: str, b: str, c: str, *, scale: float = 1.0) -> dict[str, float]:
    """base + scale · (C + B − A): A is to B as C is to this (Ilharco et al. 2023)."""
    return _summed([(c, scale), (b, scale), (a, -scale)])


def to_simplex(weights: np.ndarray) -> np.ndarray:
    """The nearest weights (k,) that are not negative and sum to 1 (Duchi et al. 2008).

    Sort falling, find the last rank r at which the r-th value is above t = (sum of the first r − 1) / r, take off that
    t and cut at zero.
    """
    weights = np.asarray(weights, dtype=np.float64)
    falling = np.sort(weights)[::-1]
    levels = (np.cumsum(falling) - 1.0) / np.arange(1, len(falling) + 1)
    last = int(np.nonzero(falling > levels)[0][-1])
    return np.maximum(weights - levels[last], 0.0)


def nearest(places: np.ndarray, origin: np.ndarray, target: np.ndarray, simplex: bool) -> np.ndarray:
    """Weights (k,) of k models whose mixture lies at `target`, or as near as it can, starting from even weights.

    places (k, dims) and target (dims,) are map coordinates, origin (dims,) those of the base, where what the weights
    lack to 1 lies. `simplex`: weights that are not negative and sum to 1. InputError for no model, shapes that do not
    fit, or coordinates that are not finite.
    """
    places, origin, target = (np.asarray(x, dtype=np.float64) for x in (places, origin, target))
    if places.ndim != 2 or not len(places):
        raise InputError("a mixture needs at least one model: select some on the map.")
    if origin.shape != places.shape[1:] or target.shape != places.shape[1:]:
        raise InputError(f"models have {places.shape[1]} map coordinates, the base {origin.size}, the target "
                         f"{target.size}.")
    if not all(np.isfinite(x).all() for x in (places, origin, target)):
        raise InputError("a place on the map must be finite numbers.")
    return _convex(places, target) if simplex else _free(places - origin, target - origin)


def _free(arms: np.ndarray, target: np.ndarray) -> np.ndarray:
    """The smallest change of even weights u that puts the mixture on the target; arms (k, dims) reach from the base.

    w = u + A (AᵀA + ε I)⁻¹ (t − Aᵀu) with ε = 1e-10 of the trace: a system of 2 or 3 unknowns. Where the arms do not
    span the map, it is the nearest place they reach.
    """
    even = np.full(len(arms), 1.0 / len(arms))
    square = arms.T @ arms
    if (size := float(np.trace(square))) == 0:
        return even
    return even + arms @ np.linalg.solve(square + 1e-10 * size * np.eye(len(square)), target - arms.T @ even)


def _convex(places: np.ndarray, target: np.ndarray) -> np.ndarray:
    """argmin ½ |Pᵀw − t|² + ½ ε |w − u|² over the simplex: unique and continuous in the target; u even, ε = PULL.

    Coordinates are centred on the models' mean and divided by their root mean squared radius. An active-set method
    (Lawson & Hanson 1974, chapter 23), which ends after finitely many exchanges. Begin with the model nearest to t.
    1. The best weights over the s models in the set, were they free to be negative: `_over`.
    2. If one is not positive: go from the present weights towards them until the first is zero, take that model out of
       the set, and do 1 again. Otherwise these are the present weights.
    3. The slope of model j is pⱼ · (Pᵀw − t) + ε (wⱼ − 1 / k). Put the model of lowest slope into the set if it is
       lower than the set's (by 1e-12) and do 1 again; else end.
    """
    centre = places.mean(axis=0)
    radius = float(np.sqrt(np.square(places - centre).sum(axis=1).mean())) or 1.0
    p, t = (places - centre) / radius, (target - centre) / radius
    w = np.zeros(len(p))
    w[np.square(p - t).sum(axis=1).argmin()] = 1.0
    chosen = w > 0
    for _ in range(_MOST_EXCHANGES * len(p)):
        wanted = np.zeros(len(p))
        wanted[chosen] = _over(p[chosen], t)
        if (falling := chosen & (wanted <= 0)).any():
            shares = np.where(falling, w / np.where(falling, w - wanted, 1.0), np.inf)
            first = int(shares.argmin())
            w = np.maximum(w + shares[first] * (wanted - w), 0.0)
            w[first], chosen[first] = 0.0, False
            continue
        w = wanted
        slope = p @ (p.T @ w - t) + PULL * (w - 1 / len(p))
        lowest = int(np.where(chosen, np.inf, slope).argmin())
        if chosen.all() or slope[lowest] >= slope[chosen].mean() - 1e-12 * (1 + np.abs(slope).max()):
            break
        chosen[lowest] = True
    return w


def _over(p: np.ndarray, t: np.ndarray) -> np.ndarray:
    """Best weights (s,) that sum to 1: 1 / s − C r / ε, C the places p less their mean p̄, (I + CᵀC / ε) r = p̄ − t."""
    centred = p - p.mean(axis=0)
    system = np.eye(p.shape[1]) + centred.T @ centred / PULL
    return np.asarray(1 / len(p) - centred @ np.linalg.solve(system, p.mean(axis=0) - t) / PULL)


def _summed(terms: Iterable[tuple[str, float]]) -> dict[str, float]:
    """Weights by id; a model named twice has both."""
    total: dict[str, float] = {}
    for key, weight in terms:
        total[key] = total.get(key, 0.0) + weight
    return total
