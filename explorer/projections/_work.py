"""A projection as work for a backend: the methods that import much run in a worker."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from explorer import registry
from explorer.projections._placing import place
from explorer.types import Gram, MapSpec, Point, Progress, Projection


@dataclass(frozen=True, eq=False)
class Projecting:
    """A map to compute; `gram` holds the chosen checkpoints and parameter groups already."""

    gram: Gram
    spec: MapSpec


@dataclass(frozen=True, eq=False)
class Placing:
    """Points to place in the map of `gram`."""

    gram: Gram
    spec: MapSpec
    points: tuple[Point, ...]


def project(request: Projecting) -> Iterator[Progress | Projection]:
    """Yields the Projection."""
    spec = request.spec
    yield Progress(0, 1, f"{spec.method} of {len(request.gram.ids)} checkpoints")
    yield registry.find("explorer.projections", spec.method)(request.gram, spec.dims, spec.metric, seed=spec.seed)
    yield Progress(1, 1, "done")


def place_points(request: Placing) -> Iterator[Progress | np.ndarray]:
    """Yields the coordinates (m, k)."""
    spec = request.spec
    yield Progress(0, 1, f"placing {len(request.points)} points")
    yield place(request.gram, request.points, spec.method, spec.dims, spec.metric, seed=spec.seed)
    yield Progress(1, 1, "done")
