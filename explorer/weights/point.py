"""A Point materialised: base + Σ cᵢ Δᵢ written into one flat buffer on the device.

The buffer is rebuilt from the base for every Point, so nothing drifts however many Points are visited; a model whose
parameters are views into it is never reloaded. Task vectors last used are kept on the device up to a byte budget.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

import torch

from explorer.errors import InputError
from explorer.settings import DELTA_CACHE_BYTES
from explorer.types import Layout, Point
from explorer.weights.deltas import Delta, Weights


class FlatPoint:
    """One flat float32 vector θ of shape (d,) that is moved from Point to Point.

    `open_delta(id)` gives a checkpoint's task vector when it is first needed.
    """

    def __init__(self, base_id: str, weights: Weights, layout: Layout, open_delta: Callable[[str], Delta],
                 device: str = "cpu", budget: int = DELTA_CACHE_BYTES) -> None:
        self.layout, self.device = layout, device
        self._base_id, self._open, self._budget = base_id, open_delta, budget
        self._base = self._to_device(weights.flat(layout))
        self._deltas: OrderedDict[str, torch.Tensor] = OrderedDict()
        self.theta = self._base.clone()

    def move(self, point: Point) -> None:
        """θ ← base + Σ cᵢ Δᵢ, in the order of the Point's terms: the same Point gives the same bits."""
        if point.base != self._base_id:
            raise InputError(f"the Point is over base {point.base}, this model over {self._base_id}.")
        self.theta.copy_(self._base)
        for checkpoint, coefficient in point.terms:
            self.theta.add_(self._delta(checkpoint), alpha=coefficient)

    def _delta(self, checkpoint: str) -> torch.Tensor:
        if checkpoint not in self._deltas:
            delta = self._to_device(self._open(checkpoint).flat(self.layout))
            while self._deltas and (len(self._deltas) + 1) * delta.nbytes > self._budget:
                self._deltas.popitem(last=False)
            self._deltas[checkpoint] = delta
        self._deltas.move_to_end(checkpoint)
        return self._deltas[checkpoint]

    def _to_device(self, values: torch.Tensor) -> torch.Tensor:
        if self.device == "cuda":
            return values.pin_memory().to(self.device, non_blocking=True)
        return values.to(self.device)
