"""Where two models differ: ‖θ_a − θ_b‖ of every parameter, read once, as work for a backend."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from explorer.types import Base, Point, Progress


@dataclass(frozen=True)
class Differing:
    """Two Points of a base and where their parts lie: the base's folder, and those of their checkpoints by id."""

    base: Base
    base_folder: str
    folders: Mapping[str, str]
    a: Point
    b: Point


@dataclass(frozen=True)
class Changed:
    """One parameter: ‖θ_a − θ_b‖, and the lengths ‖Δ_a‖, ‖Δ_b‖ and ‖θ_base‖ to set it against."""

    name: str
    shape: tuple[int, ...]
    difference: float
    a: float
    b: float
    base: float

    @property
    def relative(self) -> float:
        """‖θ_a − θ_b‖ as a share of ‖θ_base‖; infinite where the base has zeros alone."""
        return self.difference / self.base if self.base else float("inf")


def differing(request: Differing) -> Iterator[Progress | list[Changed]]:
    """Every parameter of the layout, the one that differs most first; sums in float64."""
    from explorer.weights.opening import open_term, reopen_base
    from explorer.weights.streaming import Stream

    tensors = request.base.layout.tensors
    yield Progress(0, len(tensors), "reading the models")
    opened = reopen_base(request.base, Path(request.base_folder))
    folders = {i: Path(folder) for i, folder in request.folders.items()}
    streams = [Stream(point, opened.weights, lambda term: open_term(term, folders, opened))
               for point in (request.a, request.b)]
    found = []
    for i, tensor in enumerate(tensors, 1):
        base = opened.weights.whole(tensor).double()
        a, b = (stream.parameter(tensor).reshape(-1).double() for stream in streams)
        found.append(Changed(tensor.name, tensor.shape, *(float(v.norm()) for v in (a - b, a - base, b - base, base))))
        yield Progress(i, len(tensors), tensor.name)
    yield sorted(found, key=lambda c: -c.difference)
