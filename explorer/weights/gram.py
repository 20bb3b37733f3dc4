"""The streamed Gram: one pass over the checkpoints, a block at a time.

For each parameter group g: G_g[i, j] = ⟨Δᵢ, Δⱼ⟩, summed in float64 over blocks. Memory is one block of n rows whatever
the model size, and each weight is read once. Rows of checkpoints whose products are known already are not recomputed:
with `new` rows last, only the new rows of each block product are formed.

Small sets are computed in float64 from the difference on. Of large ones that would double the time, so differences and
short strips of products are float32: measured on 16 × 28.5 M values, 3e-9 of the norms.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
import torch

from explorer.settings import BLOCK_BYTES
from explorer.types import Layout, Tensor

# Inner length of one float32 product: short enough that its rounding stays near 1e-7 before float64 takes over.
_STRIP = 4096
# Up to this many values of all rows together float64 costs no time that anybody would notice.
_EXACT = 1 << 26


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
    n = len(deltas)
    new = n if new is None else new
    place = {group: i for i, group in enumerate(layout.groups)}
    total = torch.zeros(len(place), new, n, dtype=torch.float64)
    dtype = torch.float64 if n * layout.size <= _EXACT else torch.float32
    length = max(_STRIP, block_bytes // (dtype.itemsize * max(n, 1)) // _STRIP * _STRIP)
    block = torch.empty(n, min(length, max(t.size for t in layout.tensors)), dtype=dtype)
    done = 0
    for tensor in layout.tensors:
        changed = [i for i, d in enumerate(deltas) if d.touches(tensor)]
        for lo in range(0, tensor.size, length):
            hi = min(lo + length, tensor.size)
            if changed and changed[-1] >= n - new:
                rows = block[: len(changed), : hi - lo]
                for row, i in zip(rows, changed, strict=True):
                    deltas[i].slice(tensor, lo, hi, row)
                _add_products(total[place[tensor.group]], rows, changed, n - new)
            done += hi - lo
            if progress:
                progress(done, layout.size)
    return total.numpy()


def _add_products(total: torch.Tensor, rows: torch.Tensor, changed: list[int], first_new: int) -> None:
    """total (new, n) += products of the new among `rows` (r, length) with all of them; `changed` are their numbers."""
    fresh = next(k for k, i in enumerate(changed) if i >= first_new)
    columns = torch.tensor(changed)
    strips = 0 if rows.dtype is torch.float64 else rows.shape[1] // _STRIP
    products = torch.zeros(len(changed) - fresh, len(changed), dtype=torch.float64)
    if strips:
        cut = rows[:, : strips * _STRIP].unflatten(1, (strips, _STRIP)).transpose(0, 1)  # (strips, r, _STRIP)
        products += torch.bmm(cut[:, fresh:], cut.transpose(1, 2)).sum(dim=0, dtype=torch.float64)
    if (rest := rows[:, strips * _STRIP :]).numel():
        products += rest[fresh:].double() @ rest.double().T
    total.index_put_((columns[fresh:, None] - first_new, columns[None, :]), products, accumulate=True)
