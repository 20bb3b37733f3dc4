"""Where on a line to measure next, and which points to measure again with all texts.

A curve is drawn as straight pieces between its points. In a gap of width h the error of that is at most h²/8 times the
curvature; the curvature is the larger of the second divided differences at the gap's two ends. Where nothing bends yet,
something narrow may still be hidden: gaps wider than an eighth of the range are always split, and every gap counts as
bending at least as one curve over the whole range would that goes through all losses measured. Widths are taken where
the α are drawn, so far ranges are refined on their logarithm.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from itertools import pairwise

from explorer.paths.alphas import alpha_at, position

FACTOR = 0.5
"""A gap is done when its error is below this share of the standard error of the points beside it."""

FINEST = 1 / 512
"""No gap is split that is narrower than this share of the range: a true step is never resolved."""

SEEN = 1 / 500
"""Nor is a gap split whose error is below this share of the range of losses: it could not be seen in a drawing."""

WIDEST = 1 / 8
"""Gaps wider than this share of the range are split whatever is known of them."""

_HIDDEN = 4.0


def next_alpha(alphas: Sequence[float], losses: Sequence[float], stderrs: Sequence[float], low: float, high: float, *,
               far: bool = False, taken: Collection[float] = ()) -> float | None:
    """The α in [low, high] where the curve is least certain; None when it is certain enough everywhere.

    `alphas` (m,) in any order with their losses and standard errors in nats; a loss that is not finite counts as far
    above the others. `taken` are α on their way: they split gaps but have no loss yet. First the ends 0 and 1, then the
    limits; after that the gap of the largest error (see above) is halved, those wider than WIDEST first, until no gap's
    error is more than FACTOR times the standard error of the points beside it, or than SEEN of the range of losses.
    """
    given = {*alphas, *taken}
    for start in (0.0, 1.0, low, high):
        if low <= start <= high and start not in given:
            return start
    inside = sorted((a, y, e) for a, y, e in zip(alphas, _finite(losses), stderrs, strict=True) if low <= a <= high)
    if len(inside) < 2:
        return None  # the ends are on their way, and nothing is known of what lies between
    places = [position(a, far) for a, _, _ in inside]
    span = position(high, far) - position(low, far)
    values = [y for _, y, _ in inside]
    rise = max(values) - min(values)
    hidden = _HIDDEN * rise / span**2
    bends = [max(b, hidden) for b in _bends(places, values)]
    best, where = (False, 0.0, 0.0), None
    waiting = sorted(position(a, far) for a in taken)
    for i, bend in enumerate(bends):
        beside = [e for e in (inside[i][2], inside[i + 1][2]) if math.isfinite(e)]
        allowed = max(FACTOR * max(beside, default=0.0), SEEN * rise)
        stops = [places[i], *(p for p in waiting if places[i] < p < places[i + 1]), places[i + 1]]
        for left, right in pairwise(stops):
            width, error = right - left, (right - left) ** 2 / 8 * bend
            wide = width > WIDEST * span * (1 + 1e-9)
            if (wide or error > allowed) and width > FINEST * span and (wide, error, width) > best:
                best, where = (wide, error, width), (left + right) / 2
    return None if where is None else float(f"{alpha_at(where, far):.6g}")


def order(alphas: Sequence[float], stderrs: Sequence[float], *, far: bool = False,
          done: Collection[int] = ()) -> list[int]:
    """In which order the points of a grid get their second pass: indices of those not in `done`.

    First the ends 0 and 1 (the outermost points where they are not on the grid), then always the point whose standard
    error times its distance to the nearest point already in order (or done) is largest, since neighbours move together.
    """
    if not alphas:
        return []
    places = [position(a, far) for a in alphas]
    by_place = sorted(range(len(alphas)), key=lambda i: places[i])
    ends = [i for i, a in enumerate(alphas) if a in (0.0, 1.0)]
    ends = ends if len(ends) == 2 else list(dict.fromkeys((by_place[0], by_place[-1])))
    ordered = [i for i in ends if i not in done]
    settled = {*done, *ends}
    left = [i for i in range(len(alphas)) if i not in settled]
    errors = [e if math.isfinite(e) else math.inf for e in stderrs]
    near = {i: min(abs(places[i] - places[j]) for j in settled) for i in left}
    while left:
        pick = max(left, key=lambda i: (errors[i] * near[i] if near[i] else 0.0, -i))
        left.remove(pick)
        ordered.append(pick)
        near = {i: min(near[i], abs(places[i] - places[pick])) for i in left}
    return ordered


def _bends(places: Sequence[float], values: Sequence[float]) -> list[float]:
    """Curvature of each of the m − 1 gaps: the larger of the second divided differences at its ends, times 2."""
    slopes = [(values[i + 1] - values[i]) / (places[i + 1] - places[i]) for i in range(len(places) - 1)]
    inner = [abs(2 * (slopes[i] - slopes[i - 1]) / (places[i + 1] - places[i - 1])) for i in range(1, len(slopes))]
    at = [0.0, *inner, 0.0]
    return [max(at[i], at[i + 1]) for i in range(len(slopes))]


def _finite(losses: Sequence[float]) -> list[float]:
    """The losses, those that are not finite as far above the highest as the highest is above the lowest."""
    known = [y for y in losses if math.isfinite(y)]
    top, low = max(known, default=0.0), min(known, default=0.0)
    return [y if math.isfinite(y) else top + max(top - low, 1.0) for y in losses]
