"""Where a Point lies: its distance to the convex hulls of groups of models, and the group it most likely belongs to.

All from the Gram. With d the Point's coefficients less convex weights w over a group's models, the squared distance is
dᵀ G d; it is minimised over the simplex of w by an active set (Wolfe 1976) and read off d itself, so that no difference
of large squares is left in it: 0 to about 1e-8 of the largest norm inside, and as exact as the Gram outside.

How sure a prediction is is learnt from the catalog: every model is located with itself left out of its group's hull,
and the probability of group r is taken as proportional to exp(−β (distance to r / the median own distance)²), with the
β under which the models' own groups are likeliest; it is then mixed with an even spread of weight 1 / (models + 2), as
no n trials can show more than that.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from explorer.errors import InputError
from explorer.types import Gram, Point

GAP = 1e-13
"""The search ends when no move can lower the squared distance by more than this share of the largest squared norm."""

_MOST_EXCHANGES = 50
_FURTHEST = 1e4


@dataclass(frozen=True)
class Hull:
    """Distance of a Point to a hull, and the convex weights of its nearest place there, by model."""

    distance: float
    weights: dict[str, float]


@dataclass(frozen=True)
class Location:
    """Regions by rising distance, as (name, distance), and the predicted one with its probability `confidence`.

    `probabilities` are all regions' in the same order. `outside` True: further from the nearest region than each of
    its own models is from the others' hull. `tail` is the share of its models, and this one, that are as far off.
    """

    nearest: tuple[tuple[str, float], ...]
    probabilities: tuple[float, ...]
    outside: bool
    tail: float

    @property
    def predicted(self) -> str:
        return self.nearest[0][0]

    @property
    def confidence(self) -> float:
        return self.probabilities[0]


@dataclass(frozen=True, eq=False)
class Regions:
    """Groups of models of one Gram and what leaving each model out has shown; made by `regions`.

    `members` by name of region, `own` (as many) the distance of each member to the hull of its fellows; `left_out` are
    the regions of a single model. `accuracy` is the share of models whose nearest hull, without themselves, is their
    own region's, `expected` the mean confidence of these predictions: well calibrated where the two agree.
    """

    members: Mapping[str, tuple[str, ...]]
    own: Mapping[str, np.ndarray]
    left_out: tuple[str, ...]
    scale: float
    beta: float
    accuracy: float
    expected: float
    models: int

    def locate(self, gram: Gram, point: Point) -> Location:
        """Place a Point of checkpoints in `gram`, which has the regions' models too; a member is left out of its own
        hull, so that it is judged as a newcomer."""
        wanted = point.coefficients(gram.ids)
        itself = point.terms[0][0] if len(point.terms) == 1 and point.terms[0][1] == 1.0 else None
        place = {model: k for k, model in enumerate(gram.ids)}
        found = {}
        for name, members in self.members.items():
            if missing := [m for m in members if m not in place]:
                raise InputError(f"region {name} has models without Gram row: {', '.join(missing[:5])}.")
            rows = np.array([place[m] for m in members if m != itself])
            found[name] = _distance(gram.matrix, rows, wanted)[0]
        ranked = sorted(found, key=lambda name: found[name])
        chances = _chances(np.array([[found[name] for name in ranked]]), self.scale, self.beta, self.models)[0]
        own, nearest = self.own[ranked[0]], found[ranked[0]]
        as_far = int((own >= nearest * (1 - 1e-9)).sum()) - (itself in self.members[ranked[0]])
        tail = (as_far + 1) / (len(own) + (itself not in self.members[ranked[0]]))
        return Location(tuple((name, found[name]) for name in ranked), tuple(map(float, chances)),
                        bool(nearest > own.max() * (1 + 1e-9)), tail)


def hull_distance(gram: Gram, ids: Sequence[str], point: Point) -> Hull:
    """Weight distance of a Point to the convex hull of models; InputError for no models, or ones without Gram row."""
    place = {model: k for k, model in enumerate(gram.ids)}
    if not ids:
        raise InputError("a hull needs at least one model.")
    if missing := [i for i in ids if i not in place]:
        raise InputError(f"no Gram row for {', '.join(missing[:5])}: run `gram` first.")
    names = list(dict.fromkeys(ids))
    distance, weights = _distance(gram.matrix, np.array([place[i] for i in names]), point.coefficients(gram.ids))
    return Hull(distance, {i: float(w) for i, w in zip(names, weights, strict=True) if w > 0})


def regions(gram: Gram, labels: Mapping[str, str]) -> Regions:
    """Regions of the models in `labels` (model id to data set, task or whatever), calibrated by leaving each model out.

    Regions of one model have no hull without it and are left out. InputError for fewer than two regions of two models.
    """
    place = {model: k for k, model in enumerate(gram.ids)}
    groups: dict[str, list[str]] = {}
    for model, name in labels.items():
        if model not in place:
            raise InputError(f"no Gram row for {model}: run `gram` first.")
        groups.setdefault(name, []).append(model)
    members = {name: tuple(models) for name, models in sorted(groups.items()) if len(models) > 1}
    if len(members) < 2:
        raise InputError(f"{len(members)} of {len(groups)} groups have two models or more; at least two such are "
                         "needed to tell where a model belongs.")
    models = [(m, name) for name, its in members.items() for m in its]
    apart = _leave_one_out(gram, members)
    truth = np.array([list(members).index(name) for _, name in models])
    own = apart[np.arange(len(models)), truth]
    scale = float(np.median(own)) or float(np.median(apart)) or 1.0
    beta = _fitted(apart, truth, scale)
    chances = _chances(apart, scale, beta, len(models))
    by_region = {name: own[truth == k] for k, name in enumerate(members)}
    return Regions(members, by_region, tuple(sorted(set(groups) - set(members))), scale, beta,
                   float((apart.argmin(axis=1) == truth).mean()), float(chances.max(axis=1).mean()), len(models))


def _leave_one_out(gram: Gram, members: Mapping[str, Sequence[str]]) -> np.ndarray:
    """Distance of every model, region by region, to every region's hull without it: (models, regions)."""
    place = {model: k for k, model in enumerate(gram.ids)}
    rows = [np.array([place[m] for m in its]) for its in members.values()]
    everyone = np.concatenate(rows)
    apart = np.empty((len(everyone), len(rows)))
    for k, its in enumerate(rows):
        mine = np.isin(everyone, its)
        apart[:, k] = _distances(gram.matrix, its, everyone)
        for i in np.flatnonzero(mine):
            apart[i, k] = _distance(gram.matrix, its[its != everyone[i]], np.eye(len(gram.ids))[everyone[i]])[0]
    return apart


def _distances(g: np.ndarray, rows: np.ndarray, models: np.ndarray) -> np.ndarray:
    """Distances of single models to one hull, (m,): all projected onto its affine span at once, which is the answer
    where the weights come out positive; the others one by one."""
    weights = _spanned(g[np.ix_(rows, rows)], g[np.ix_(rows, models)])
    inside = (weights >= 0).all(axis=0)
    squares = (np.diag(g)[models] - 2 * np.einsum("rm,rm->m", weights, g[np.ix_(rows, models)])
               + np.einsum("rm,rm->m", weights, g[np.ix_(rows, rows)] @ weights))
    sure = inside & (squares > 1e-6 * np.diag(g)[models])  # nearer than that it is read off the coefficients
    found = np.sqrt(np.maximum(squares, 0.0))
    for i in np.flatnonzero(~sure):
        found[i] = _distance(g, rows, np.eye(len(g))[models[i]])[0]
    return np.asarray(found)


def _distance(g: np.ndarray, rows: np.ndarray, wanted: np.ndarray) -> tuple[float, np.ndarray]:
    """(distance, weights (k,)) of the Point with coefficients `wanted` (n,) to the hull of models `rows` (k,).

    Begin as `_start` says. Go to the best weights over the set; where one of these is negative, stop at the first that
    becomes zero and take it out; else add the model of lowest slope. A slope's lead over the present weights' bounds
    half of what is to be gained: see GAP.
    """
    used = np.flatnonzero(wanted)
    target, own = g[np.ix_(rows, used)] @ wanted[used], g[np.ix_(rows, rows)]
    size = max(float(np.diag(own).max()), float(wanted[used] @ g[np.ix_(used, used)] @ wanted[used]), 1e-300)
    w = _start(own, target)
    chosen, added = w > 0, -1
    for _ in range(_MOST_EXCHANGES * (len(rows) + 1)):
        best = np.zeros(len(rows))
        best[chosen] = _spanned(own[np.ix_(chosen, chosen)], target[chosen][:, None])[:, 0]
        if added >= 0 and best[added] <= 0:
            break  # what it would add is below rounding
        if (falling := chosen & (best <= 0)).any():
            shares = np.where(falling, w / np.where(falling & (w > 0), w - best, 1.0), np.inf)
            first = int(shares.argmin())
            w = np.maximum(w + min(float(shares[first]), 1.0) * (best - w), 0.0)
            w[first], chosen[first] = 0.0, False
            w /= w.sum()
            added = -1
            continue
        w = best
        slope = own @ w - target
        lowest = int(np.where(chosen, np.inf, slope).argmin())
        if chosen.all() or float(w @ slope - slope[lowest]) <= GAP * size:
            break
        chosen[lowest], added = True, lowest
    apart = -wanted
    apart[rows] += w
    left = np.flatnonzero(apart)
    square = float(apart[left] @ g[np.ix_(left, left)] @ apart[left])
    return math.sqrt(max(square, 0.0)), w


def _start(own: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Convex weights (k,) that are near the best: those over all models, the negative ones left out until none is."""
    w = np.zeros(len(own))
    chosen = np.ones(len(own), dtype=bool)
    while chosen.any():
        best = _spanned(own[np.ix_(chosen, chosen)], target[chosen][:, None])[:, 0]
        w[:] = 0.0
        w[chosen] = np.maximum(best, 0.0)
        if (best > 0).all():
            break
        chosen = w > 0
    return w / w.sum()


def _spanned(own: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Weights (k, m) summing to 1, of either sign, nearest to m targets (k, m) of inner products.

    The models less the first span the hull; the least change of weights is taken where they are dependent.
    """
    k = len(own)
    if k == 1:
        return np.ones((1, target.shape[1]))
    inner = own[1:, 1:] - own[1:, :1] - own[:1, 1:] + own[0, 0]
    along = target[1:] - target[:1] - own[1:, :1] + own[0, 0]
    sizes = np.sqrt(np.maximum(np.diag(inner), 1e-300))
    scaled = inner / np.outer(sizes, sizes)
    right = along / sizes[:, None]
    weights = _solved(scaled, right) / sizes[:, None]
    return np.asarray(np.vstack([1.0 - weights.sum(axis=0), weights]))


def _solved(matrix: np.ndarray, right: np.ndarray) -> np.ndarray:
    """x of a positive semidefinite system with unit diagonal; of least norm where it is nearly singular."""
    from scipy.linalg import cho_solve

    try:
        factor = np.linalg.cholesky(matrix)
    except np.linalg.LinAlgError:
        factor = np.zeros((1, 1))
    if np.diag(factor).min() > 1e-5:
        return np.asarray(cho_solve((factor, True), right, check_finite=False))
    return np.asarray(np.linalg.lstsq(matrix, right, rcond=1e-13)[0])


def _chances(apart: np.ndarray, scale: float, beta: float, models: int) -> np.ndarray:
    """Probabilities (m, r) of regions at distances (m, r)."""
    squares = np.square(apart / scale)
    raw = np.exp(-beta * (squares - squares.min(axis=1, keepdims=True)))
    even = 1.0 / (models + 2)
    return np.asarray((1 - even) * raw / raw.sum(axis=1, keepdims=True) + even / apart.shape[1])


def _fitted(apart: np.ndarray, truth: np.ndarray, scale: float) -> float:
    """The β (1e-4 to 1e4) of the highest likelihood of the models' own regions."""
    from scipy.optimize import minimize_scalar

    def cost(log_beta: float) -> float:
        chances = _chances(apart, scale, math.exp(log_beta), len(truth))
        return -float(np.log(chances[np.arange(len(truth)), truth]).sum())

    reach = math.log(_FURTHEST)
    return math.exp(float(minimize_scalar(cost, bounds=(-reach, reach), method="bounded").x))
