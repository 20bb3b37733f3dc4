"""Where a Point lies: its distance to the convex hulls of groups of models, and the group it most likely belongs to.

All from the Gram. With d the Point's coefficients less convex weights w over a group's models, the squared distance is
dᵀ G d; it is minimised over the simplex of w by an active set (Wolfe 1976) and read off d itself, so that no difference
of large squares is left in it: 0 to about 1e-8 of the largest norm inside, and as exact as the Gram outside.

Which group a Point belongs to is told by its cosine with the groups' centroids: hulls of more models, or of shorter
task vectors, are nearer to everything. (On 80 models of 17 data sets, each located without itself, centroids named the
data set of all, the nearest hull that of 61 %, and of 79 % on directions.) How sure a prediction is is learnt from the
catalog: every model is located with itself left out, and the probability of group r is taken as proportional to
exp(β cosᵣ), with the β under which the models' own groups are likeliest; it is then mixed with an even spread of weight
1 / (models + 2), as no n trials show more. Whether a Point is outside is told by the distance to the hull, which sees
what lies too far out, and by the cosine, which sees what lies in a direction of its own: hulls of few models are far
from everything, and a random direction is no farther from one than its own models are.
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
    """`probabilities` of regions, the likeliest first, and weight `distances` to their hulls, the nearest first.

    `far` True: each of the predicted region's own models is nearer to its fellows' hull than the Point is. `tail` is
    the share of its models, and this one, that are as far off or further. `astray` True: its `cosine` with the
    predicted region's centroid is lower than that of every model, of any region, with its own.
    """

    probabilities: tuple[tuple[str, float], ...]
    distances: tuple[tuple[str, float], ...]
    far: bool
    tail: float
    astray: bool
    cosine: float

    @property
    def outside(self) -> bool:
        return self.far or self.astray

    @property
    def predicted(self) -> str:
        return self.probabilities[0][0]

    @property
    def confidence(self) -> float:
        return self.probabilities[0][1]


@dataclass(frozen=True, eq=False)
class Regions:
    """Groups of models of one Gram and what leaving each model out has shown; made by `regions`.

    `members` by name of region, `own` (as many) the weight distance of each member to the hull of its fellows;
    `left_out` are the regions of a single model. `accuracy` is the share of models that are predicted to be of their
    own region without themselves, `expected` the mean confidence of these: well calibrated where the two agree.
    `lowest` is the lowest cosine of a model with its own region's centroid, itself left out.
    """

    members: Mapping[str, tuple[str, ...]]
    own: Mapping[str, np.ndarray]
    left_out: tuple[str, ...]
    beta: float
    accuracy: float
    expected: float
    models: int
    lowest: float

    def locate(self, gram: Gram, point: Point) -> Location:
        """Place a Point of checkpoints in `gram`, which has the regions' models too; a member is left out of its own
        region, so that it is judged as a newcomer."""
        wanted = point.coefficients(gram.ids)
        itself = point.terms[0][0] if len(point.terms) == 1 and point.terms[0][1] == 1.0 else None
        place = {model: k for k, model in enumerate(gram.ids)}
        rows = {}
        for name, members in self.members.items():
            if missing := [m for m in members if m not in place]:
                raise InputError(f"region {name} has models without Gram row: {', '.join(missing[:5])}.")
            rows[name] = np.array([place[m] for m in members if m != itself])
        cosines = np.array([_cosine(gram.matrix, its, wanted) for its in rows.values()])
        chances = _chances(cosines[None], self.beta, self.models)[0]
        likely = sorted(zip(rows, map(float, chances), strict=True), key=lambda pair: -pair[1])
        apart = {name: _distance(gram.matrix, its, wanted)[0] for name, its in rows.items()}
        distance, own = apart[likely[0][0]], self.own[likely[0][0]]
        member = itself in self.members[likely[0][0]]
        as_far = int((own >= distance * (1 - 1e-9)).sum()) - member
        cosine = float(cosines[list(rows).index(likely[0][0])])
        return Location(tuple(likely), tuple(sorted(apart.items(), key=lambda pair: pair[1])),
                        bool(distance > own.max() * (1 + 1e-9)), (as_far + 1) / (len(own) + 1 - member),
                        cosine < self.lowest - 1e-9, cosine)


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

    Regions of one model are empty without it and are left out. InputError for fewer than two regions of two models.
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
    rows = [np.array([place[m] for m in its]) for its in members.values()]
    truth = np.repeat(np.arange(len(rows)), [len(its) for its in rows])
    own = np.array([_alone(gram.matrix, int(m), rows[k]) for m, k in zip(np.concatenate(rows), truth, strict=True)])
    cosines = _without_itself(gram.matrix, rows, truth)
    beta = _fitted(cosines, truth)
    chances = _chances(cosines, beta, len(truth))
    return Regions(members, {name: own[truth == k] for k, name in enumerate(members)},
                   tuple(sorted(set(groups) - set(members))), beta, float((cosines.argmax(axis=1) == truth).mean()),
                   float(chances.max(axis=1).mean()), len(truth),
                   float(cosines[np.arange(len(truth)), truth].min()))


def _alone(g: np.ndarray, model: int, members: np.ndarray) -> float:
    """Distance of a member to the hull of its fellows."""
    wanted = np.zeros(len(g))
    wanted[model] = 1.0
    return _distance(g, members[members != model], wanted)[0]


def _without_itself(g: np.ndarray, rows: list[np.ndarray], truth: np.ndarray) -> np.ndarray:
    """Cosines (m, r) of models, region by region, with the centroids, each model left out of its own."""
    models, everyone = np.concatenate(rows), np.arange(len(truth))
    sums = np.stack([g[models][:, its].sum(axis=1) for its in rows], axis=1)
    squares = np.tile([g[np.ix_(its, its)].sum() for its in rows], (len(truth), 1))
    itself = np.diag(g)[models]
    squares[everyone, truth] += itself - 2 * sums[everyone, truth]
    sums[everyone, truth] -= itself
    both = squares * itself[:, None]
    return np.asarray(np.where(both > 0, sums / np.sqrt(np.where(both > 0, both, 1.0)), 0.0))


def _cosine(g: np.ndarray, rows: np.ndarray, wanted: np.ndarray) -> float:
    """Of the Point with coefficients `wanted` (n,) and the centroid of models `rows`; 0 where either is the base."""
    used = np.flatnonzero(wanted)
    inner = float(g[np.ix_(rows, used)].mean(axis=0) @ wanted[used])
    squares = float(g[np.ix_(rows, rows)].mean()) * float(wanted[used] @ g[np.ix_(used, used)] @ wanted[used])
    return inner / math.sqrt(squares) if squares > 0 else 0.0


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


def _chances(cosines: np.ndarray, beta: float, models: int) -> np.ndarray:
    """Probabilities (m, r) of regions from cosines (m, r)."""
    raw = np.exp(beta * (cosines - cosines.max(axis=1, keepdims=True)))
    even = 1.0 / (models + 2)
    return np.asarray((1 - even) * raw / raw.sum(axis=1, keepdims=True) + even / cosines.shape[1])


def _fitted(cosines: np.ndarray, truth: np.ndarray) -> float:
    """The β (1e-4 to 1e4) of the highest likelihood of the models' own regions."""
    from scipy.optimize import minimize_scalar

    def cost(log_beta: float) -> float:
        chances = _chances(cosines, math.exp(log_beta), len(truth))
        return -float(np.log(chances[np.arange(len(truth)), truth]).sum())

    reach = math.log(_FURTHEST)
    return math.exp(float(minimize_scalar(cost, bounds=(-reach, reach), method="bounded").x))
