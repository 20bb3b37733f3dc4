"""The boundary of the region along a line: how far one can go before a stated loss is passed.

`next_boundary_alpha` is told every loss known so far and says which α to measure next, or what the answer is; who
measures, and where, is not its business. It keeps nothing between calls, so a search can stop, move and go on.

From an end (α = 1 towards +32, α = 0 towards −31) it goes out by ¼ at first, then to twice the distance each time;
between the last α under the threshold and the first above it, it bisects. The first crossing met is the answer: an
excursion above the threshold and back between two steps can be missed, and is never wider than the distance from the
end at which it begins, or ¼.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from explorer.errors import InputError

Side = Literal["zero", "one"]

LIMITS: dict[Side, float] = {"zero": -31.0, "one": 32.0}
"""How far the paper extrapolates."""

FIRST = 0.25
_FINEST = 1e-9


@dataclass(frozen=True)
class Boundary:
    """The answer on one side.

    `alpha` is the outermost α measured to be under the `threshold` (nats) such that everything measured on the way to
    it is under too, with its `loss`; the crossing is between `inside` (the same α) and `outside`. `reached` False:
    there is no crossing up to the limit, and `outside` is None. `alpha` None: the end itself is above, see `reason`.
    `stderr` is the paired standard error of the excess over the end, where the caller has single examples' losses.
    """

    side: Side
    alpha: float | None
    inside: float | None
    outside: float | None
    threshold: float
    reached: bool
    loss: float | None
    reason: str = ""
    stderr: float | None = None


def threshold(end_loss: float, excess: float) -> float:
    """The loss not to be passed on a side: its end's loss plus `excess`, both in nats; InputError unless positive."""
    if not (math.isfinite(excess) and excess > 0):
        raise InputError(f"the boundary's excess loss is {excess:g} nats; a positive number is needed, such as 0.1.")
    return end_loss + excess


def next_boundary_alpha(known: Mapping[float, float], side: Side, threshold: float, limit: float | None = None,
              tolerance: float = 0.01) -> float | Boundary:
    """The α to measure next on a side, or its Boundary.

    `known` maps α to loss in nats: whatever was measured on the line; a loss that is not finite counts as above. Each α
    returned has 12 significant digits and must be among the keys at the next call. The answer's bracket is at most
    `tolerance` · max(1, distance from the end). InputError for a limit on the wrong side or a useless tolerance.
    """
    end, sign, limit = _checked(side, limit, tolerance)
    if end not in known:
        return end
    if not known[end] <= threshold:
        return Boundary(side, None, None, end, threshold, True, None,
                        f"α = {end:g} itself has loss {known[end]:.4g}, above the threshold {threshold:.4g}.")
    furthest = abs(limit - end)
    losses = {sign * (a - end): loss for a, loss in known.items() if 0 <= sign * (a - end) <= furthest}
    at = {sign * (a - end): a for a in known}
    here = 0.0
    while here < furthest:
        reach = min(max(FIRST, 2 * here), furthest)
        ahead = min((d for d in losses if here < d <= reach * (1 + _FINEST)), default=None)
        if ahead is None:
            return _alpha(end + sign * reach)
        if losses[ahead] <= threshold:
            here = ahead
        elif ahead - here <= tolerance * max(1.0, here):
            return Boundary(side, at[here], at[here], at[ahead], threshold, True, losses[here])
        else:
            return _alpha(end + sign * (here + ahead) / 2)
    return Boundary(side, at[here], at[here], None, threshold, False, losses[here])


def _checked(side: Side, limit: float | None, tolerance: float) -> tuple[float, float, float]:
    """(the side's end, the sign of its direction, the limit)."""
    if side not in LIMITS:
        raise InputError(f"unknown side {side!r} of a line; use zero or one.")
    if not (math.isfinite(tolerance) and 1e-6 <= tolerance <= 1):
        raise InputError(f"the boundary's tolerance is {tolerance:g}; a number from 0.000001 to 1 is needed.")
    end, sign = (1.0, 1.0) if side == "one" else (0.0, -1.0)
    limit = LIMITS[side] if limit is None else _alpha(limit)
    if not (math.isfinite(limit) and sign * (limit - end) > 0):
        raise InputError(f"the limit of side {side!r} is α = {limit:g}; it must lie beyond α = {end:g}.")
    return end, sign, limit


def _alpha(value: float) -> float:
    """To 12 significant digits, as a Point's coefficients are kept."""
    return float(f"{value:.12g}")
