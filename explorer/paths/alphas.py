"""The α of a path: named ranges, even grids, where an α is drawn, and the order in which points are evaluated."""

from __future__ import annotations

import math

from explorer.errors import InputError

FAR = 4.0
"""A range that reaches beyond this α is drawn, and filled, on a signed logarithm."""


def grid(low: float, high: float, points: int) -> tuple[float, ...]:
    """`points` even steps from low to high, and 0 and 1 where they lie between, so that the ends are measured."""
    _check(low, high, points)
    return _with_ends([low + (high - low) * i / (points - 1) for i in range(points)], low, high)


def interpolation(points: int) -> tuple[float, ...]:
    """`points` even steps from 0 to 1, both included (the paper's section 5); InputError for fewer than 2."""
    return grid(0.0, 1.0, points)


def free(low: float, high: float, points: int) -> tuple[float, ...]:
    """`points` α from low to high that are even where they are drawn: logarithmic if the range reaches beyond ±4.

    0 and 1 are added where they lie between. InputError for a range without length, or fewer than 2 points.
    """
    _check(low, high, points)
    far = is_far((low, high))
    if not far:
        return grid(low, high, points)
    first, last = position(low, far), position(high, far)
    places = [first + (last - first) * i / (points - 1) for i in range(points)]
    inner = [alpha_at(place, far) for place in places[1:-1]]
    return _with_ends([low, *inner, high], low, high)


def parse(text: str) -> tuple[float, ...]:
    """The α of LOW:HIGH:POINTS ("-1:2:31"), as `free` sets them; InputError says what came and what is needed."""
    parts = text.split(":")
    try:
        low, high, points = float(parts[0]), float(parts[1]), int(parts[2])
    except (ValueError, IndexError):
        parts = []
    if len(parts) != 3 or points > 10_000:
        raise InputError(f"range {text!r}: write LOW:HIGH:POINTS, as in -1:2:31, with at most 10000 points.")
    return free(low, high, points)


def far() -> tuple[float, ...]:
    """The paper's extrapolation (section 6): ten logarithmic steps from 1 to 32 and from 0 to −31, and the path."""
    steps = [32 ** (i / 9) for i in range(10)]
    beyond = [*steps, *(1 - s for s in steps), 0.25, 0.5, 0.75]
    return tuple(sorted({float(f"{a:.6g}") for a in beyond}))


def is_far(alphas: tuple[float, ...]) -> bool:
    """Whether a range of these α is drawn on a signed logarithm."""
    return max((abs(a) for a in alphas), default=1.0) > FAR


def position(alpha: float, far: bool) -> float:
    """Where an α is drawn: itself, or its signed logarithm log₂(1 + |α|)."""
    return math.copysign(math.log2(1 + abs(alpha)), alpha) if far else alpha


def alpha_at(place: float, far: bool) -> float:
    """The α that is drawn at a place: the inverse of `position`."""
    return math.copysign(2 ** abs(place) - 1, place) if far else place


def coarse_first(count: int) -> list[int]:
    """Indices 0 … count − 1: both ends, then the middle of every gap, so that a curve fills in from coarse to fine."""
    order, gaps = [0, count - 1], [(0, count - 1)]
    while gaps:
        split = [(a, (a + b) // 2, b) for a, b in gaps if b - a > 1]
        order += [middle for _, middle, _ in split]
        gaps = [gap for a, middle, b in split for gap in ((a, middle), (middle, b))]
    return list(dict.fromkeys(order[:count] if count > 1 else range(count)))


def _check(low: float, high: float, points: int) -> None:
    if not (math.isfinite(low) and math.isfinite(high)) or low >= high:
        raise InputError(f"α runs from {low:g} to {high:g}; the first must be the smaller, both finite numbers.")
    if points < 2:
        raise InputError(f"a path of {points} points has no length; take at least 2.")


def _with_ends(alphas: list[float], low: float, high: float) -> tuple[float, ...]:
    """The α to 12 digits, rising, each once; 0 and 1 among them where they lie between low and high."""
    rounded = [float(f"{a:.12g}") for a in alphas]
    return tuple(sorted({*rounded, *(end for end in (0.0, 1.0) if low <= end <= high)}))


RANGES: dict[str, tuple[float, ...] | None] = {
    "Between": interpolation(11), "Beyond": grid(-0.5, 1.5, 13), "Far": far(), "Custom": None,
}
"""Names of ranges as shown; None is the one whose limits the user types."""
