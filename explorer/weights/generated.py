"""Task vectors of generated terms, in the form in which those of checkpoints are read."""

from __future__ import annotations

import numpy as np
import torch

from explorer.types import Layout, Tensor
from explorer.weights.deltas import Delta, Weights
from explorer.weights.directions import ZERO, Slices, parse


class Generated(Delta):
    """A random direction (see `directions`)."""

    def __init__(self, term: str, layout: Layout, base: Weights) -> None:
        self._base = base
        self._slices = Slices(parse(term), layout, self._of_base)

    def touches(self, tensor: Tensor) -> bool:
        return self._slices.direction.touches(tensor)

    def slice(self, tensor: Tensor, lo: int, hi: int, out: torch.Tensor) -> None:
        out.copy_(torch.from_numpy(self._slices.slice(tensor, lo, hi)))

    def _of_base(self, tensor: Tensor, lo: int, hi: int) -> np.ndarray:
        return np.asarray(self._base.whole(tensor)[lo:hi].double().numpy())


class ToZero(Delta):
    """−θ_base: the base plus it has no weight other than 0."""

    def __init__(self, base: Weights) -> None:
        self._base = base

    def slice(self, tensor: Tensor, lo: int, hi: int, out: torch.Tensor) -> None:
        torch.neg(out.copy_(self._base.whole(tensor)[lo:hi]), out=out)


def generated(term: str, layout: Layout, base: Weights) -> Delta:
    """The task vector that a generated id stands for; RecipeError where there is no such."""
    return ToZero(base) if term == ZERO else Generated(term, layout, base)
