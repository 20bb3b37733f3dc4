"""The task vector of a merge, made of those of its models a parameter at a time.

What is in memory is one parameter times the models read. A method may need the whole parameter (TIES trims it, SLERP
and the Karcher mean know its norm), so that is computed whole, once, and kept for the slices that follow.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch

from explorer.merges._contract import Context
from explorer.merges._recipe import Recipe, layers_of, method
from explorer.types import Layout, Tensor
from explorer.weights.deltas import Delta, Weights
from explorer.weights.fishers import Fishers


class Merged(Delta):
    """A merge over a layout; `models` maps each of the recipe's ids to its task vector, the base's to None.

    `fishers` is where methods that need Fisher information find it.
    """

    def __init__(self, recipe: Recipe, models: Mapping[str, Delta | None], base: Weights, layout: Layout,
                 prefix: str, fishers: Fishers | None = None) -> None:
        self._recipe, self._base, self._prefix = recipe, base, prefix
        self._fishers = fishers or Fishers(None)
        self._models = {i: models[i] for i in recipe.models}
        self._layers = layers_of(layout)
        self._last: tuple[str, torch.Tensor] | None = None

    def slice(self, tensor: Tensor, lo: int, hi: int, out: torch.Tensor) -> None:
        last = self._last  # a pass asks for a tensor's slices one after the other
        if last is None or last[0] != tensor.name:
            self._last = None  # frees it before the next is made
            self._last = last = (tensor.name, self._merged(tensor))
        out.copy_(last[1][lo:hi])

    def _merged(self, tensor: Tensor) -> torch.Tensor:
        """The merged task vector of one parameter, flat."""
        weights, options = self._recipe.at(tensor, self._layers, self._prefix)
        rows = torch.zeros(len(self._models), tensor.size)
        for row, delta in zip(rows, self._models.values(), strict=True):
            if delta is not None and delta.touches(tensor):
                delta.slice(tensor, 0, tensor.size, row)
        base = self._base.whole(tensor).float().view(tensor.shape)
        context = Context(tensor.name, tuple(self._models), base, lambda key: self._fishers.of(key, tensor))
        function = method(self._recipe.method).function
        made: torch.Tensor = function(list(rows.view(-1, *tensor.shape).unbind(0)), weights, context, **options)
        flat = made.reshape(-1)
        return flat.clone() if flat.untyped_storage().nbytes() > flat.nbytes else flat
