"""Where a Point lies among the regions of its base: the likeliest one, how far off it is, and how sure that is.

Regions are the models of one base that share a value of a column. All comes from inner products of task vectors; no
weight is read. How often such predictions are right is told by leaving each model out.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from explorer.errors import InputError, UnknownNameError
from explorer.numbers import coefficient, share
from explorer.paths.mixture import uniform
from explorer.statistics.locating import Hull, Location, Regions, hull_distance, regions
from explorer.types import Checkpoint, Gram, Point
from explorer.workflows._kept import Kept
from explorer.workflows.clustering import columns
from explorer.workflows.mapping import gram, with_terms
from explorer.workflows.naming import checkpoint_point, describe
from explorer.workflows.opening import Workspace

_own: Kept[tuple[tuple[float, float], tuple[float, float]]] = Kept(16)
_made: Kept[Regions] = Kept(16)
INSIDE = 1e-6
"""A distance to a hull below this share of the task vector's norm is rounding."""


@dataclass(frozen=True, eq=False)
class Located:
    """Where a Point lies among the regions of column `by`, as if it were new: a model is left out of its own region.

    `hull` is the distance to the predicted region's hull, with the weights of the nearest place in it by name of model.
    `own` is the Point's value of the column, if it is a model. `sizes` counts the models of each region, `left_out` are
    values of a single model, `unknown` counts models without a value. `still` True: the Point is the base, which lies
    in no direction, so that every region is as likely. `inside`: it lies in the hull, up to rounding.
    """

    name: str
    by: str
    location: Location
    hull: Hull
    own: str | None
    sizes: Mapping[str, int]
    accuracy: float
    expected: float
    models: int
    left_out: tuple[str, ...]
    unknown: int
    still: bool
    inside: bool

    @property
    def rows(self) -> list[tuple[str, float, float]]:
        """(region, probability, distance to its hull), the likeliest first."""
        apart = dict(self.location.distances)
        return [(name, chance, apart[name]) for name, chance in self.location.probabilities]


def locate(ws: Workspace, point: Point, by: str = "dataset", layers: Sequence[str] | None = None,
           kinds: Sequence[str] | None = None) -> Located:
    """Place a Point among the regions of its base's models, by all parameters or some layers and kinds.

    UnknownNameError for a column, layer or kind there is none of. InputError where fewer than two regions have two
    models, or where the Point's place is not told by inner products (all-zero weights, filter-normalised directions).
    """
    of_base = gram(ws, point.base, layers, kinds)
    models = ws.catalog.checkpoints(point.base)
    by = by.removeprefix("columns.")
    if by not in (usable := [c for c in columns(models) if c != "base"]):
        raise UnknownNameError("column", by, usable)
    values = {c.id: str(c.value(by)) for c in models if c.value(by) is not None}
    found = _regions(of_base, values)
    whole = with_terms(ws, of_base, [point])
    where = found.locate(whole, point)
    itself = point.terms[0][0] if len(point.terms) == 1 and point.terms[0][1] == 1.0 else ""
    others = [m for m in found.members[where.predicted] if m != itself]
    near = hull_distance(whole, others, point)
    names = {c.id: c.name for c in models}
    ranked = sorted(near.weights.items(), key=lambda pair: -pair[1])
    square = whole.inner(point)[1]
    return Located(describe(ws, point), by, where, Hull(near.distance, {names[i]: w for i, w in ranked}),
                   values.get(itself), {name: len(ids) for name, ids in found.members.items()}, found.accuracy,
                   found.expected, found.models, found.left_out, len(models) - len(values),
                   square <= 0, near.distance <= INSIDE * math.sqrt(max(square, 0.0)))


@dataclass(frozen=True)
class Apart:
    """A Point against some models: weight distance to their hull and cosine with their centroid.

    `own_distances` and `own_cosines` are the lowest and highest of each of these models against the others. `inside`:
    the distance is 0, up to rounding.
    """

    distance: float
    cosine: float
    own_distances: tuple[float, float]
    own_cosines: tuple[float, float]
    inside: bool

    @property
    def outside(self) -> bool:
        """Farther off, or in a direction less like theirs, than each of the models is from the others."""
        return self.distance > self.own_distances[1] * (1 + 1e-9) or self.cosine < self.own_cosines[0] - 1e-9


def apart(ws: Workspace, point: Point, models: Sequence[Checkpoint]) -> Apart:
    """A Point against the hull of models of its base, among which it is left out itself if it is one of them.

    InputError for fewer than two other models, and where the Point's place is not told by inner products.
    """
    whole = ws.catalog.gram(point.base)
    ids = tuple(c.id for c in models if checkpoint_point(c) != point)
    if len(ids) < 2:
        raise InputError(f"{len(ids)} other models have no hull to be compared with; at least 2 are needed.")

    def own() -> tuple[tuple[float, float], tuple[float, float]]:
        each = [_against(whole, Point.of(point.base, {one: 1.0}), [i for i in ids if i != one]) for one in ids]
        distances, cosines = zip(*each, strict=True)
        return (min(distances), max(distances)), (min(cosines), max(cosines))

    distances, cosines = _own.get((whole.ids, ids), own)
    whole = with_terms(ws, whole, [point])
    distance, cosine = _against(whole, point, ids)
    inside = distance <= INSIDE * math.sqrt(max(whole.inner(point)[1], 0.0))
    return Apart(distance, cosine, distances, cosines, inside)


def _against(whole: Gram, point: Point, ids: Sequence[str]) -> tuple[float, float]:
    """(distance to the hull, cosine with the centroid) of models; a cosine with the base is 0."""
    row, square = whole.inner(Point.of(point.base, uniform(ids)))
    both = square * whole.inner(point)[1]
    inner = float(row @ point.coefficients(whole.ids))
    return hull_distance(whole, ids, point).distance, inner / math.sqrt(both) if both > 0 else 0.0


def in_words(found: Located) -> str:
    """What is found, in two sentences."""
    where = found.location
    if found.still:
        return f"{found.name} is the base: it lies in no direction, and every {found.by} is as likely."
    head = f"{found.name} lies nearest in direction to {found.by} {where.predicted} ({share(where.confidence, 0)} sure)"
    if found.inside:
        return f"{head}, and inside the hull of its models."
    size = found.sizes[where.predicted]
    if where.astray:
        return (f"{head}, but outside of that region: it points less its way (cosine "
                f"{coefficient(where.cosine)}) than any "
                "model its own.")
    if where.far:
        return f"{head}, but outside of that region: none of its {size} models is as far from the others."
    return f"{head}, and is no farther from its hull than one of its {size} models is from that of the others."


def _regions(whole: Gram, values: Mapping[str, str]) -> Regions:
    """The regions of labelled models, which cost a search for each of them.

    Ids are hashes of weights, so that they and the groups say what the inner products are.
    """
    return _made.get((whole.ids, whole.groups, tuple(sorted(values.items()))), lambda: regions(whole, values))
