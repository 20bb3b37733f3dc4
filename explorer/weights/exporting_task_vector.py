"""A Point's task vector alone, fp32, in the format that this program imports."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from explorer.types import Layout, Tensor
from explorer.weights.exporting import Exporting
from explorer.weights.saving import FILE, FORMAT
from explorer.weights.streaming import Stream, write_tensors


def write(request: Exporting, stream: Stream, folder: Path) -> Iterator[int]:
    """Parameters that no part of the Point changes are left out; yields how many are written."""
    changed: list[Tensor] = [t for t in request.base.layout.tensors if stream.touches(t)]
    own = {t.name: t for t in changed}
    layout = Layout.of((t.name, t.shape, t.group) for t in changed)
    written = write_tensors(folder / FILE, layout, lambda t: stream.delta(own[t.name]), FORMAT)
    yield from (done for done, _ in enumerate(written, start=1))
