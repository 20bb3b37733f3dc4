"""A loss surface measured where it bends: which nodes of a lattice to measure next, and the surface between them.

The lattice has (2^depth + 1)² nodes (row, column), row 0 the lowest y, column 0 the lowest x. First all nodes of a
coarse lattice of at most 9 × 9, coarse to fine, so that nothing wide is hidden; then squares are quartered, those of
the largest estimated error times width^1.5 first, until no error is above the tolerance or the budget is spent. Like a
boundary's search it keeps nothing between calls: what is known decides what comes next, so it can stop and go on.

Between nodes the surface is a cubic spline in two dimensions (radial |r|³ with a linear trend, Duchon 1977). A node's
error is what the spline misses it by when it is left out, from one inverse for all (Rippa 1999); a square's is SURE
times the mean of its corners'. Where even the finest squares are not resolved (a true step), they are drawn linearly.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np

from explorer.errors import InputError

Node = tuple[int, int]

START = 3
"""The coarse lattice has 2³ squares a side."""

DEPTHS = (2, 6)

BUDGET = 0.4
"""Share of the lattice's nodes that are measured at most."""

SEEN = 1 / 2000
"""The tolerance, as a share of the range of losses."""

SURE = 1.25
"""A square's error over the mean error of its corners left out: on planted surfaces about nine in ten are below."""

_ROUGH = 0.05
_CHUNK = 4096


@dataclass(frozen=True, eq=False)
class Surface:
    """Losses in nats on an even grid of size × size over the lattice, and their estimated `errors`, 0 where measured.

    Row 0 is the lowest y. Errors are ∞ until there is something to estimate them by.
    """

    values: np.ndarray
    errors: np.ndarray


def nodes_of(depth: int) -> int:
    """Nodes a side, 2^depth + 1; InputError for a depth outside 2 … 6."""
    if not DEPTHS[0] <= depth <= DEPTHS[1]:
        raise InputError(f"a surface of depth {depth}; {DEPTHS[0]} to {DEPTHS[1]} can be measured "
                         f"({2 ** DEPTHS[0] + 1} to {2 ** DEPTHS[1] + 1} nodes a side).")
    return 2**depth + 1


def next_cells(known: Mapping[Node, float], depth: int = 5, *, tolerance: float = SEEN, budget: float = BUDGET,
               most: int = 32, pending: Collection[Node] = (), ceiling: float = math.inf) -> list[Node]:
    """The nodes to measure next, at most `most` and each quartered square's together; none when the surface is done.

    `known` maps nodes to losses; `pending` are on their way: they are not asked for again, and count to the budget.
    `tolerance` is a share of the range of losses, `budget` one of the lattice's nodes (never less than the coarse
    lattice). Losses above `ceiling`, and those not finite, count as on one level. InputError for limits without sense.
    """
    side = nodes_of(depth) - 1
    if not (tolerance >= 0 and 0 < budget <= 1 and most >= 5):
        raise InputError(f"tolerance {tolerance:g}, budget {budget:g}, {most} nodes a time: a tolerance from 0, a "
                         "budget above 0 and up to 1, and at least 5 nodes are needed.")
    given = {*known, *pending}
    for step in range(1, min(START, depth) + 1):
        if missing := [n for n in _lattice(side, side >> step) if n not in given]:
            return missing[:most]
    if len(known) < 3:
        return []  # the coarse lattice is on its way
    left = int(budget * (side + 1) ** 2) - len(given)
    values = _heights(known, ceiling)
    errors = dict(zip(known, SURE * _Spline(known, values, side).left_out, strict=True))
    allowed = tolerance * float(np.ptp(values))
    bends = []
    for row, column, width in _leaves(given, side):
        error = sum(errors.get(c, 0.0) for c in _corners(row, column, width)) / 4
        if width > 1 and error > allowed:
            bends.append((error * width**1.5, row, column, width))
    return _taken(sorted(bends, reverse=True), given, min(left, most))


def surface(known: Mapping[Node, float], size: int, depth: int = 5, *, ceiling: float = math.inf) -> Surface:
    """The surface on size × size even steps over the whole lattice; every measured node has its own loss.

    Losses not finite are drawn above the highest by the range of the others. InputError where nothing is known.
    """
    side = nodes_of(depth) - 1
    if not known or size < 2:
        raise InputError(f"a surface of {size} steps from {len(known)} losses: 2 steps and one loss are needed.")
    values = _heights(known, ceiling)
    even = np.linspace(0, side, size)
    places = np.stack(np.meshgrid(even, even, indexing="ij"), axis=-1).reshape(-1, 2)
    if np.linalg.matrix_rank(np.array(list(known), dtype=float) - next(iter(known))) < 2:
        flat = np.full((size, size), float(values.mean()))
        return Surface(flat, np.full((size, size), math.inf))
    spline = _Spline(known, values, side)
    drawn, errors = spline.at(places), np.full(len(places), math.inf)
    heights, doubts = dict(zip(known, values, strict=True)), dict(zip(known, SURE * spline.left_out, strict=True))
    for row, column, width in _leaves(known, side):
        corners = _corners(row, column, width)
        if any(c not in heights for c in corners):
            continue
        t = (places - (row, column)) / width
        inside = np.flatnonzero(((t >= 0) & (t <= 1)).all(axis=1))
        t = t[inside]
        doubt = sum(doubts[c] for c in corners) / 4
        if width == 1 and doubt > _ROUGH * np.ptp(values):
            drawn[inside] = _between(t, [heights[c] for c in corners])
        errors[inside] = np.minimum(errors[inside], doubt * (1 - np.square(1 - 2 * t).prod(axis=1)))
    return Surface(drawn.reshape(size, size), errors.reshape(size, size))


class _Spline:
    """Σ cₖ |x − xₖ|³ + a linear trend through all values; `left_out` (n,) is what it misses each by without it."""

    def __init__(self, known: Collection[Node], values: np.ndarray, side: int) -> None:
        self._side = side
        self._nodes = np.array(list(known), dtype=np.float64) / side
        n = len(self._nodes)
        system = np.zeros((n + 3, n + 3))
        system[:n, :n] = _cubes(self._nodes, self._nodes)
        system[:n, n:] = np.column_stack([np.ones(n), self._nodes])
        system[n:, :n] = system[:n, n:].T
        inverse = np.linalg.inv(system)
        self._coefficients = inverse[:, :n] @ values
        # three nodes leave nothing to leave out: the diagonal is zero, and so is what is known of the error
        diagonal = np.diag(inverse)[:n]
        certain = np.abs(diagonal) > 1e-9
        missed = np.abs(self._coefficients[:n] / np.where(certain, diagonal, 1.0))
        self.left_out = np.where(certain, missed, np.ptp(values))

    def at(self, places: np.ndarray) -> np.ndarray:
        """Values (m,) at places (m, 2) in lattice steps."""
        x, n = places / self._side, len(self._nodes)
        bends = [_cubes(part, self._nodes) @ self._coefficients[:n] for part in np.array_split(x, -(-len(x) // _CHUNK))]
        return np.asarray(np.concatenate(bends) + self._coefficients[n] + x @ self._coefficients[n + 1 :])


def _cubes(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.asarray(np.hypot(a[:, None, 0] - b[:, 0], a[:, None, 1] - b[:, 1]) ** 3)


def _taken(bends: list[tuple[float, int, int, int]], given: Collection[Node], room: int) -> list[Node]:
    """What is missing of the worst squares, down to half of the worst error, while there is room."""
    chosen: dict[Node, None] = {}
    for weight, row, column, width in bends:
        missing = [n for n in _middles(row, column, width) if n not in given and n not in chosen]
        if weight < 0.5 * bends[0][0] or len(chosen) + len(missing) > room:
            break
        chosen.update(dict.fromkeys(missing))
    return list(chosen)


def _leaves(given: Collection[Node], side: int) -> list[tuple[int, int, int]]:
    """(row, column, width) of the squares that are not quartered: not all five nodes inside are there."""
    found, open_ = [], [(0, 0, side)]
    while open_:
        row, column, width = open_.pop()
        if width == 1 or any(n not in given for n in _middles(row, column, width)):
            found.append((row, column, width))
        else:
            half = width // 2
            open_ += [(row + a, column + b, half) for a in (0, half) for b in (0, half)]
    return found


def _lattice(side: int, step: int) -> list[Node]:
    return [(i, j) for i in range(0, side + 1, step) for j in range(0, side + 1, step)]


def _corners(row: int, column: int, width: int) -> tuple[Node, ...]:
    return (row, column), (row, column + width), (row + width, column), (row + width, column + width)


def _middles(row: int, column: int, width: int) -> tuple[Node, ...]:
    half = width // 2
    return ((row + half, column + half), (row, column + half), (row + half, column), (row + half, column + width),
            (row + width, column + half))


def _between(t: np.ndarray, corners: list[float]) -> np.ndarray:
    """Bilinear between four corners in the order of `_corners`, t (m, 2) in [0, 1]."""
    y, x = t.T
    return np.asarray((1 - y) * ((1 - x) * corners[0] + x * corners[1]) + y * ((1 - x) * corners[2] + x * corners[3]))


def _heights(known: Mapping[Node, float], ceiling: float) -> np.ndarray:
    """Losses (n,) under the ceiling, those not finite as far above the highest as the highest is above the lowest."""
    values = np.array(list(known.values()), dtype=np.float64)
    finite = values[np.isfinite(values)]
    top, low = (float(finite.max()), float(finite.min())) if len(finite) else (0.0, 0.0)
    above = top + max(top - low, 1.0) if math.isinf(ceiling) else ceiling
    return np.asarray(np.minimum(np.where(np.isfinite(values), values, above), ceiling))
