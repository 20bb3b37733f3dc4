"""The streamed Gram: one pass over the checkpoints, a block at a time.

For each parameter group g: G_g[i, j] = ⟨Δᵢ, Δⱼ⟩, summed in float64 over blocks. Memory is one block of n rows whatever
the model size, and each weight is read once. Rows of checkpoints whose products are known already are not recomputed:
with `new` rows last, only the new rows of each block product are formed, and of many new ones with each other one half.

Small sets are computed in float64 from the difference on. Of large ones that would double the time, so differences and
short strips of products are float32: measured on 16 × 28.5 M values, 3e-9 of the norms.

Many rows make a block's slices short. The kernel is asked for the following part of every file before it is needed, in
pieces long enough for a disk, so that reading goes on while products are formed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
import torch

from explorer.settings import BLOCK_BYTES
from explorer.types import Layout, Tensor
from explorer.weights.units import Unit, units

# Inner length of one float32 product: short enough that its rounding stays near 1e-7 before float64 takes over.
_STRIP = 4096
# Up to this many values of all rows together float64 costs no time that anybody would notice.
_EXACT = 1 << 26
# New rows multiplied at once; what lies above their own square is filled in by symmetry.
_TILE = 256
# Values of a file that are asked for ahead: 1 MB of float32.
_AHEAD = 1 << 18


class Sliced(Protocol):
    """What is streamed: a task vector (see `deltas`), or what is made of one value by value."""

    def touches(self, tensor: Tensor) -> bool:
        """False where it is known to be zero on this tensor."""

    def slice(self, tensor: Tensor, lo: int, hi: int, out: torch.Tensor) -> None:
        """Write the values lo … hi of one flattened parameter into `out`."""


def gram_rows(deltas: Sequence[Sliced], layout: Layout, new: int | None = None, block_bytes: int = BLOCK_BYTES,
              progress: Callable[[int, int], None] | None = None) -> np.ndarray:
    """Inner products of the last `new` (default: all) of n task vectors with all n, float64 of shape (g, new, n).

    `progress(values done, d)` is called after each block; an exception it raises stops the pass.
    """
    new = len(deltas) if new is None else new
    total = np.zeros((len(layout.groups), new, len(deltas)))
    products = Products(deltas, layout, new, block_bytes)
    if progress:
        told = progress
        products.tick = lambda done: told(done, layout.size)
    for unit in units(layout, len(deltas)):
        total[unit.group] += products.of(unit)
    return total


class Products:
    """The products of the last `new` of n task vectors with all n, over one unit after the other.

    `tick(values done so far)` is called after each block. Memory is `block_bytes` and a few (new, n) float64.
    """

    def __init__(self, deltas: Sequence[Sliced], layout: Layout, new: int, block_bytes: int = BLOCK_BYTES) -> None:
        n = len(deltas)
        self._deltas, self._first = deltas, n - new
        self._shape = (new, n)
        self._dtype = torch.float64 if n * layout.size <= _EXACT else torch.float32
        self._length = max(_STRIP, block_bytes // (self._dtype.itemsize * max(n, 1)) // _STRIP * _STRIP)
        largest = max((t.size for t in layout.tensors), default=0)
        self._block = torch.empty(n, min(self._length, largest), dtype=self._dtype)
        self._done = 0
        self.tick: Callable[[int], None] = lambda _: None

    def of(self, unit: Unit) -> np.ndarray:
        """The products over a unit's values, float64 of shape (new, n)."""
        total = torch.zeros(self._shape, dtype=torch.float64)
        for tensor, start, end in unit.pieces:
            changed = [i for i, d in enumerate(self._deltas) if d.touches(tensor)]
            needed = bool(changed) and changed[-1] >= self._first
            asked = start
            for lo in range(start, end, self._length):
                hi = min(lo + self._length, end)
                if needed:
                    if asked < min(hi + self._length, end):  # the block after this one is not on its way
                        asked = self._ask_ahead(changed, tensor, asked, min(hi + max(_AHEAD, self._length), end))
                    rows = self._block[: len(changed), : hi - lo]
                    for row, i in zip(rows, changed, strict=True):
                        self._deltas[i].slice(tensor, lo, hi, row)
                    _add_products(total, rows, changed, self._first)
                self._done += hi - lo
                self.tick(self._done)
        if self._shape[0] > _TILE:
            square = total[:, self._first :]
            square += square.tril(-1).T
        return total.numpy()

    def _ask_ahead(self, changed: list[int], tensor: Tensor, lo: int, hi: int) -> int:
        """These values of every row's file are asked for; up to where."""
        for i in changed:
            if (ahead := getattr(self._deltas[i], "ahead", None)) is not None:
                ahead(tensor, lo, hi)
        return hi


def _add_products(total: torch.Tensor, rows: torch.Tensor, changed: list[int], first_new: int) -> None:
    """total (new, n) += products of the new among `rows` (r, length) with all of them; `changed` are their numbers.

    Of more than _TILE new ones, products with later ones are left out where the earlier one's tile has ended.
    """
    fresh = next(k for k, i in enumerate(changed) if i >= first_new)
    columns = torch.tensor(changed)
    tiled = total.shape[0] > _TILE
    for lo in range(fresh, len(changed), _TILE if tiled else len(changed)):
        hi = min(lo + _TILE, len(changed)) if tiled else len(changed)
        products = _products(rows[lo:hi], rows[:hi])
        if tiled:  # the square of the tile with itself: its lower half, as of all other rows
            products[:, lo:].tril_()
        total.index_put_((columns[lo:hi, None] - first_new, columns[None, :hi]), products, accumulate=True)


def _products(mine: torch.Tensor, others: torch.Tensor) -> torch.Tensor:
    """mine (m, length) @ others (r, length)ᵀ in float64, strips of it in the precision of the rows."""
    strips = 0 if mine.dtype is torch.float64 else mine.shape[1] // _STRIP
    products = torch.zeros(len(mine), len(others), dtype=torch.float64)
    if strips:
        left, right = (rows[:, : strips * _STRIP].unflatten(1, (strips, _STRIP)).transpose(0, 1)
                       for rows in (mine, others))  # (strips, rows, _STRIP)
        products += torch.bmm(left, right.transpose(1, 2)).sum(dim=0, dtype=torch.float64)
    if mine.shape[1] > strips * _STRIP:
        products += mine[:, strips * _STRIP :].double() @ others[:, strips * _STRIP :].double().T
    return products
