"""How long the weights of a Point are: ‖θ‖ with θ = base + Σ cᵢ Δᵢ, read once, as work for a backend."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from explorer.types import Base, Point, Progress


@dataclass(frozen=True)
class Measuring:
    """A Point and where its parts lie: the base's folder, and those of its checkpoints by id."""

    base: Base
    base_folder: str
    folders: Mapping[str, str]
    point: Point


def norm(request: Measuring) -> Iterator[Progress | float]:
    """‖θ‖ over the shared parameters, summed in float64."""
    from explorer.weights.opening import open_term, reopen_base
    from explorer.weights.streaming import Stream

    yield Progress(0, 1, "reading the models")
    opened = reopen_base(request.base, Path(request.base_folder))
    folders = {i: Path(folder) for i, folder in request.folders.items()}
    stream = Stream(request.point, opened.weights, lambda term: open_term(term, folders, opened))
    yield sum(float(stream.parameter(t).double().square().sum()) for t in request.base.layout.tensors) ** 0.5
    yield Progress(1, 1)
