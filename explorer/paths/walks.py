"""Walks out of a region: from the centroid in random directions, and towards the origin (the paper's Appendix F).

Random directions stand in for models on the general level too: base + a random direction as long as the mean task
vector. Which origin the paper walks to is not stated, so there are both: the base, where task vectors are zero, and the
model whose weights are all zero. See `directions` for the ids of what is no combination of checkpoints.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np

from explorer.errors import InputError
from explorer.types import Gram, Layout, Point
from explorer.weights.directions import ZERO, Direction, group_squares, is_generated, parse


def random_models(gram: Gram, base: str, count: int, *, seed: int = 0,
                  by: Literal["whole", "groups"] = "whole") -> list[Point]:
    """`count` Points base + random direction, norm-matched to the Gram's models: Ex on the general level.

    "whole": Xavier's spread over tensors, scaled to the mean of ‖Δᵢ‖, as in the paper. "groups": in every parameter
    group as long as the models are there on average, so that no parameter moves that fine-tuning leaves alone: a
    sterner control. Point number i has seed `seed` + i, so more Points keep the first ones. InputError for no models.
    """
    if not gram.ids or count < 1:
        raise InputError(f"{count} random models to match {len(gram.ids)}: at least one of each is needed.")
    if by == "whole":
        length = float(gram.norms.mean())
        return [Point.of(base, {Direction("xavier", seed + i).id: length}) for i in range(count)]
    squares = np.maximum(np.einsum("gii->gi", gram.values), 0.0)
    lengths = {str(g): float(np.sqrt(s).mean()) for g, s in zip(gram.groups, squares, strict=True)}
    return [Point.of(base, {Direction("xavier", seed + i, g).id: length for g, length in lengths.items()})
            for i in range(count)]


def outward(centre: Point, radii: Sequence[float], *, seed: int = 0) -> list[Point]:
    """centre + r · (a random direction of norm 1) for each radius, in weight distance; one direction for a seed."""
    return [_with(centre, {Direction("xavier", seed).id: _radius(r)}) for r in radii]


def towards_base(gram: Gram, centre: Point, radii: Sequence[float]) -> list[Point]:
    """centre moved towards its base by each radius in weight distance, and past it where the radius is larger.

    InputError for a centre that is the base.
    """
    length = math.sqrt(max(gram.inner(centre)[1], 0.0))
    if length == 0:
        raise InputError("the walk starts at the base already: there is no way towards it.")
    return [Point.of(centre.base, {k: c * (1 - _radius(r) / length) for k, c in centre.terms}) for r in radii]


def towards_zero(centre: Point, radii: Sequence[float], norm: float) -> list[Point]:
    """θ shrunk towards all-zero weights by each radius: (1 − r / ‖θ‖) θ, `norm` being ‖θ‖ of the centre's weights."""
    if not (math.isfinite(norm) and norm > 0):
        raise InputError(f"the weights' norm is {norm:g}; a positive number is needed.")
    shares = [_radius(r) / norm for r in radii]
    return [_with(Point.of(centre.base, {k: c * (1 - s) for k, c in centre.terms}), {ZERO: s}) for s in shares]


def with_directions(gram: Gram, points: Sequence[Point], layout: Layout) -> Gram:
    """The Gram with a row for every Xavier direction in the Points, at right angles to all else, so that they have a
    place on maps and a distance; the Gram itself where there is none.

    Squared norms are exact. A cosine with a random direction of d values is 0 give or take 1 / √d, and is taken as 0.
    InputError where a Point has a term whose products can't be told without reading weights (zero, random:filter).
    """
    terms = sorted({k for p in points for k, _ in p.terms if is_generated(k)} - set(gram.ids))
    if unknown := [t for t in terms if not t.startswith("random:xavier:")]:
        raise InputError(f"{', '.join(unknown)}: its place among the models is not known without reading weights.")
    if not terms:
        return gram
    n, more = len(gram.ids), len(terms)
    values = np.zeros((len(gram.groups), n + more, n + more))
    values[:, :n, :n] = gram.values
    for k, term in enumerate(terms, start=n):
        shares = group_squares(parse(term), layout)
        values[:, k, k] = [shares.get(str(g), 0.0) for g in gram.groups]
    _same_seed(values, terms, n)
    return Gram((*gram.ids, *terms), gram.groups, values, gram.sketch)


def _same_seed(values: np.ndarray, terms: Sequence[str], n: int) -> None:
    """A direction and its own part in one group are parallel there: their product is the product of their norms."""
    found = [parse(t) for t in terms]
    for i, a in enumerate(found):
        for j in range(i):
            if a.seed == found[j].seed:
                both = np.sqrt(values[:, n + i, n + i] * values[:, n + j, n + j])
                values[:, n + i, n + j] = values[:, n + j, n + i] = both


def _radius(radius: float) -> float:
    if not (math.isfinite(radius) and radius >= 0):
        raise InputError(f"a walk's radius is {radius:g}; numbers from 0 on are needed.")
    return radius


def _with(point: Point, terms: Mapping[str, float]) -> Point:
    mine = dict(point.terms)
    return Point.of(point.base, {k: mine.get(k, 0.0) + terms.get(k, 0.0) for k in mine.keys() | terms.keys()})
