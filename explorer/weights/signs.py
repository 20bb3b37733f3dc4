"""Signed agreement: on how many parameters two task vectors move the same way, less those on which they part.

The signs of task vectors are vectors themselves, and their Gram is streamed as the task vectors' own: G_g[i, j] counts
agreeing less opposing parameters, G_g[i, i] those that model i has moved. Its cosine is the signed agreement, 1 for
equal signs and −1 for opposite ones. (TIES elects signs by majority, Yadav et al. 2023; here they are compared.)
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from explorer.types import Base, Progress

if TYPE_CHECKING:
    import torch

    from explorer.types import Tensor
    from explorer.weights.deltas import Delta

AT_ONCE = 32
"""Models whose rows are made in one pass: an interrupted job keeps the rows of the passes before."""


@dataclass(frozen=True)
class Signing:
    """Checkpoints of one layout in the order of their ranks: (id, folder, id of its base); `known` first ones are done.

    `bases` are the bases with their folders.
    """

    bases: tuple[tuple[Base, str], ...]
    checkpoints: tuple[tuple[str, str, str], ...]
    known: int = 0


@dataclass(frozen=True, eq=False)
class SignRow:
    """A checkpoint's row, float64 of shape (rank + 1, g)."""

    checkpoint: str
    row: np.ndarray


class Signs:
    """The signs of a task vector, read as a task vector is: −1, 0 or 1."""

    def __init__(self, delta: Delta) -> None:
        self._delta = delta
        self.touches = delta.touches

    def slice(self, tensor: Tensor, lo: int, hi: int, out: torch.Tensor) -> None:
        self._delta.slice(tensor, lo, hi, out)
        out.sign_()


def sign_rows(request: Signing) -> Iterator[Progress | SignRow]:
    """The rows that are not known yet, in order of rank; a whole pass over all models before for every few of them."""
    from pathlib import Path

    from explorer.weights.gram import gram_rows
    from explorer.weights.opening import open_model, reopen_base

    total = len(request.checkpoints)
    yield Progress(request.known, total, "reading the models")
    opened = {base.id: reopen_base(base, Path(folder)) for base, folder in request.bases}
    layout = request.bases[0][0].layout
    signs = [Signs(open_model(i, Path(folder), opened[base])) for i, folder, base in request.checkpoints]
    for first in range(request.known, total, AT_ONCE):
        last = min(first + AT_ONCE, total)
        rows = gram_rows(signs[:last], layout, new=last - first)
        for i in range(first, last):
            yield SignRow(request.checkpoints[i][0], rows[:, i - first, : i + 1].T.copy())
        yield Progress(last, total, f"signs of {last} of {total} models")
