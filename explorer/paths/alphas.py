"""The α of a path: named ranges, even grids, and the order in which points are evaluated."""

from __future__ import annotations

import math

from explorer.errors import InputError


def grid(low: float, high: float, points: int) -> tuple[float, ...]:
    """`points` even steps from low to high, and 0 and 1 where they lie between, so that the ends are measured."""
    if not (math.isfinite(low) and math.isfinite(high)) or low >= high:
        raise InputError(f"α runs from {low:g} to {high:g}; the first must be the smaller, both finite numbers.")
    if points < 2:
        raise InputError(f"a path of {points} points has no length; take at least 2.")
    even = [float(f"{low + (high - low) * i / (points - 1):.12g}") for i in range(points)]
    return tuple(sorted({*even, *(end for end in (0.0, 1.0) if low <= end <= high)}))


def far() -> tuple[float, ...]:
    """The paper's extrapolation (section 6): ten logarithmic steps from 1 to 32 and from 0 to −31, and the path."""
    steps = [32 ** (i / 9) for i in range(10)]
    beyond = [*steps, *(1 - s for s in steps), 0.25, 0.5, 0.75]
    return tuple(sorted({float(f"{a:.6g}") for a in beyond}))


def coarse_first(count: int) -> list[int]:
    """Indices 0 … count − 1: both ends, then the middle of every gap, so that a curve fills in from coarse to fine."""
    order, gaps = [0, count - 1], [(0, count - 1)]
    while gaps:
        split = [(a, (a + b) // 2, b) for a, b in gaps if b - a > 1]
        order += [middle for _, middle, _ in split]
        gaps = [gap for a, middle, b in split for gap in ((a, middle), (middle, b))]
    return list(dict.fromkeys(order[:count] if count > 1 else range(count)))


RANGES: dict[str, tuple[float, ...] | None] = {
    "Between": grid(0, 1, 11), "Beyond": grid(-0.5, 1.5, 13), "Far": far(), "Custom": None,
}
"""Names of ranges as shown; None is the one whose limits the user types."""
