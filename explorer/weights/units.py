"""A layout cut into units of work: consecutive values of one parameter group, of about the same length.

A Gram is a sum over parameters, so any unit can be computed anywhere and at any time; what is summed is the same
whatever order the units are finished in, because they are added up in their own order.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from explorer.types import Layout, Tensor

# Values that all rows of one unit have together: half a second of reading, some of multiplying a thousand rows.
_VALUES = 1 << 27
_LEAST = 1 << 16
_MOST = 1 << 24


@dataclass(frozen=True)
class Unit:
    """Values lo … hi of some flattened parameters of group `group` (its number); `number` counts from 0."""

    number: int
    group: int
    pieces: tuple[tuple[Tensor, int, int], ...]

    @property
    def size(self) -> int:
        return sum(hi - lo for _, lo, hi in self.pieces)


def units(layout: Layout, n: int) -> tuple[Unit, ...]:
    """The units for n rows, group by group; the same for the same layout and n, whatever the machine."""
    length = min(max(_VALUES // max(n, 1), _LEAST), _MOST)
    found: list[Unit] = []
    for group, pieces in enumerate(by_group(layout)):
        held: list[tuple[Tensor, int, int]] = []
        room = length
        for tensor in pieces:
            lo = 0
            while lo < tensor.size:
                hi = min(lo + room, tensor.size)
                held.append((tensor, lo, hi))
                room, lo = room - (hi - lo), hi
                if not room:
                    found.append(Unit(len(found), group, tuple(held)))
                    held, room = [], length
        if held:
            found.append(Unit(len(found), group, tuple(held)))
    return tuple(found)


def by_group(layout: Layout) -> Iterator[tuple[Tensor, ...]]:
    """The parameters of each group in turn, in the layout's order."""
    place = {group: i for i, group in enumerate(layout.groups)}
    members: list[list[Tensor]] = [[] for _ in place]
    for tensor in layout.tensors:
        members[place[tensor.group]].append(tensor)
    for found in members:
        yield tuple(found)
