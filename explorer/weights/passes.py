"""One pass over all checkpoints for the Gram rows of new ones: unit by unit, resumable, shared with other workers.

Every weight of every checkpoint is read once in a pass, old ones' too. A pass that would take more than a moment keeps
its sums in a folder (see `sums`); where the backend has further workers they join it through that folder and compute
units from the end on, and whoever comes to a unit that is finished goes on to the next.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from explorer.types import Base, Layout, Progress

if TYPE_CHECKING:
    from explorer.weights.deltas import Delta

WORTH = 1 << 28
"""Values of all rows together from which on sums are kept: about a second of work."""

# Seconds of one core for a value on its way through hash and checks, through the pass, and through one product of two
# rows: shares of a bar, no promise.
_CHECK, _READ, _PRODUCT = 6e-9, 1e-9, 8e-11


@dataclass(frozen=True)
class Shared:
    """A pass that helpers may join: bases with their folders, rows as (id, folder, id of its base), `first` new one.

    `share` of `shares` is what one helper begins with.
    """

    bases: tuple[tuple[Base, str], ...]
    rows: tuple[tuple[str, str, str], ...]
    first: int
    folder: str
    share: int = 0
    shares: int = 1

    def split(self, n: int) -> list[Shared]:
        return [replace(self, share=i, shares=n) for i in range(n)]

    @property
    def layout(self) -> Layout:
        return self.bases[0][0].layout

    @property
    def large(self) -> bool:
        """Whether keeping and sharing its sums is worth it."""
        return bool(self.folder) and len(self.rows) * self.layout.size >= WORTH


class Pass:
    """The rows of the new checkpoints of a pass."""

    def __init__(self, shared: Shared) -> None:
        from explorer.weights.gram import Products
        from explorer.weights.sums import Sums
        from explorer.weights.units import units

        self._shared, layout = shared, shared.layout
        self._sums = Sums(Path(shared.folder) if shared.large else None, layout, [i for i, _, _ in shared.rows],
                          shared.first, units(layout, len(shared.rows)))
        self._products = Products(deltas(shared), layout, len(shared.rows) - shared.first)
        self.size = layout.size

    def run(self) -> Iterator[int]:
        """Sum what is missing; yields how many of the layout's values are summed, before each unit and at the end."""
        done = self._sums.done
        for unit in self._sums.missing():
            yield done
            early = self._sums.early(unit)
            self._sums.add(unit, self._products.of(unit) if early is None else early)
            done += unit.size
        yield done

    def row(self, i: int) -> np.ndarray:
        """The Gram row of the i-th new checkpoint, float64 (rank + 1, g)."""
        return self._sums.row(i, self._shared.first + i + 1)

    def close(self) -> None:
        self._sums.close()


def join(shared: Shared) -> Iterator[Progress]:
    """A helper's part of a pass: units from the end on, its own share before what others have not come to."""
    from explorer.weights.gram import Products
    from explorer.weights.sums import Sums
    from explorer.weights.units import units

    layout, work = shared.layout, units(shared.layout, len(shared.rows))
    sums = Sums(Path(shared.folder), layout, [i for i, _, _ in shared.rows], shared.first, work, helper=True)
    order = [u for u in reversed(work) if u.number % shared.shares == shared.share]
    yield Progress(0, len(order), "inner products")
    products = Products(deltas(shared), layout, len(shared.rows) - shared.first)
    for done, unit in enumerate(order, start=1):
        if not sums.finished(unit):
            found = products.of(unit)
            if not sums.finished(unit):
                sums.offer(unit, found)
        yield Progress(done, len(order), "inner products")


def deltas(shared: Shared) -> list[Delta]:
    """The opened task vectors of a pass, in its order."""
    from explorer.weights.opening import open_model, reopen_base

    opened = {base.id: reopen_base(base, Path(folder)) for base, folder in shared.bases}
    return [open_model(i, Path(folder), opened[base]) for i, folder, base in shared.rows]


def check_steps(d: int) -> int:
    """Steps of a progress bar that reading and checking one checkpoint takes; fiftieths of a second."""
    return max(1, round(50 * d * _CHECK))


def pass_steps(n: int, new: int, d: int) -> int:
    """Steps of a pass over n checkpoints of which some are new."""
    return max(1, round(50 * d * (n * _READ + new * (n - new / 2) * _PRODUCT)))
