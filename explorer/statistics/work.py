"""Fitting a surrogate as work for a backend: seconds that no page should wait for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from explorer.statistics.surrogate import Calibration, Surrogate
from explorer.types import Gram, Point, Progress, Score


@dataclass(frozen=True, eq=False)
class Fitting:
    """Points, their scores on one task, and the Gram of their base."""

    gram: Gram
    points: tuple[Point, ...]
    scores: tuple[Score, ...]


@dataclass(frozen=True, eq=False)
class Fitted:
    """A surrogate and how far it can be trusted."""

    surrogate: Surrogate
    calibration: Calibration


def fit_surrogate(request: Fitting) -> Iterator[Progress | Fitted]:
    """One surrogate with its calibration."""
    from explorer.statistics.surrogate import fit

    yield Progress(0, 1, f"fitting {len(request.points)} points")
    surrogate = fit(request.gram, request.points, request.scores)
    yield Fitted(surrogate, surrogate.calibration())
    yield Progress(1, 1, "fitted")
