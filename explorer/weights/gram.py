"""The streamed Gram: one pass over the checkpoints, a tile at a time.

For each parameter group g: G_g[i, j] = ⟨Δᵢ, Δⱼ⟩. A tile is the same few thousand values of all n task vectors; its
products are formed in float64 (float32 would leave products of nearly orthogonal vectors with three digits), each core
takes tiles of its own, and tiles are added up in order, so that the same checkpoints give the same bits. Memory is a
few tiles whatever the model size, and each weight is read once. Rows of checkpoints whose products are known already
are not recomputed: with `new` rows last, only the new rows of each tile's product are formed.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from threadpoolctl import ThreadpoolController

from explorer.settings import BLOCK_BYTES, cores
from explorer.types import Layout, Tensor
from explorer.weights.deltas import Delta

# Values of one row of a tile. Up to 32768 torch starts no threads inside an operation, which would only get in the way
# of the tiles on the other cores; fewer than 256 would be all overhead.
_LONGEST, _SHORTEST = 32768, 256


@dataclass(frozen=True)
class _Tile:
    """Values lo … hi of a tensor, of the checkpoints `rows` that touch it; the first `known` of them are not new."""

    tensor: Tensor
    lo: int
    hi: int
    rows: list[int]
    known: int


def gram_rows(deltas: Sequence[Delta], layout: Layout, new: int | None = None, block_bytes: int = BLOCK_BYTES,
              progress: Callable[[int, int], None] | None = None) -> np.ndarray:
    """Inner products of the last `new` (default: all) of n task vectors with all n, float64 of shape (g, new, n).

    `progress(values done, d)` is called after each tile; an exception it raises stops the pass.
    """
    n = len(deltas)
    new = n if new is None else new
    workers = cores()
    # a tile is held in float32 and in float64, 12 bytes a value, by each core
    length = max(_SHORTEST, min(_LONGEST, block_bytes // (12 * max(n, 1) * workers)))
    place = {group: i for i, group in enumerate(layout.groups)}
    total = np.zeros((len(place), new, n))
    product = _Product(deltas, length)
    with ThreadPoolExecutor(workers) as pool, _blas().limit(limits=1):
        for tile, products in _ordered(pool, product, _tiles(deltas, layout, n - new, length), 2 * workers):
            fresh = [i - (n - new) for i in tile.rows[tile.known:]]
            if fresh:
                total[place[tile.tensor.group]][np.ix_(fresh, tile.rows)] += products
            if progress:
                progress(tile.tensor.offset + tile.hi, layout.size)
    return total


def _tiles(deltas: Sequence[Delta], layout: Layout, known: int, length: int) -> Iterator[_Tile]:
    for tensor in layout.tensors:
        rows = [i for i, delta in enumerate(deltas) if delta.touches(tensor)]
        first = sum(i < known for i in rows)
        # nothing new touches it: one step without any reading
        step = length if first < len(rows) else tensor.size
        for lo in range(0, tensor.size, step):
            yield _Tile(tensor, lo, min(lo + step, tensor.size), rows, first)


class _Product:
    """A tile's products (new rows, all rows) float64, in buffers that each thread keeps."""

    def __init__(self, deltas: Sequence[Delta], length: int) -> None:
        self._deltas, self._length, self._buffers = deltas, length, threading.local()

    def __call__(self, tile: _Tile) -> np.ndarray:
        if tile.known == len(tile.rows):
            return np.zeros((0, len(tile.rows)))
        if not hasattr(self._buffers, "narrow"):
            self._buffers.narrow = torch.empty(len(self._deltas), self._length)
            self._buffers.wide = np.empty((len(self._deltas), self._length))
        narrow = self._buffers.narrow[: len(tile.rows), : tile.hi - tile.lo]
        wide: np.ndarray = self._buffers.wide[: len(tile.rows), : tile.hi - tile.lo]
        for row, i in zip(narrow, tile.rows, strict=True):
            self._deltas[i].slice(tile.tensor, tile.lo, tile.hi, row)
        np.copyto(wide, narrow.numpy())
        products: np.ndarray = wide[tile.known :] @ wide.T
        return products


def _ordered(pool: ThreadPoolExecutor, work: Callable[[_Tile], np.ndarray], tiles: Iterator[_Tile],
             ahead: int) -> Iterator[tuple[_Tile, np.ndarray]]:
    """Each tile with its products, in order, with at most `ahead` of them under way."""
    waiting: deque[tuple[_Tile, Future[np.ndarray]]] = deque()
    for tile in tiles:
        waiting.append((tile, pool.submit(work, tile)))
        if len(waiting) >= ahead:
            first, future = waiting.popleft()
            yield first, future.result()
    for tile, future in waiting:
        yield tile, future.result()


@cache
def _blas() -> ThreadpoolController:
    return ThreadpoolController().select(user_api="blas")
