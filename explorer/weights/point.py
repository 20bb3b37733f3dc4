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

    `open_delta(term)` gives a term's task vector when it is first needed.
    """

    def __init__(self, base_id: str, weights: Weights, layout: Layout, open_delta: Callable[[str], Delta],
                 device: str = "cpu", budget: int = DELTA_CACHE_BYTES) -> None:
        self.layout, self.device = layout, device
        self._base_id, self._open, self._budget = base_id, open_delta, budget
        self._base = self._to_device(weights.flat(layout))
        self._kept: OrderedDict[tuple[str, ...], tuple[torch.Tensor, ...]] = OrderedDict()
        self.theta = self._base.clone()

    def move(self, point: Point) -> None:
        """θ ← base + Σ cᵢ Δᵢ; the same Point gives the same bits, and a whole model is itself to the bit."""
        if point.base != self._base_id:
            raise InputError(f"the Point is over base {point.base}, this model over {self._base_id}.")
        terms = point.terms
        if len(terms) == 1 and terms[0][1] == 1.0 and (end := self._open(terms[0][0]).end(self.layout)) is not None:
            self.theta.copy_(end)
        elif len(terms) == 2 and self._between(terms[0][1], terms[1][1]):
            zero, along = self._line(terms[0][0], terms[1][0])
            torch.add(zero, along, alpha=terms[1][1], out=self.theta)
        else:
            self._sum(terms)

    def _sum(self, terms: tuple[tuple[str, float], ...]) -> None:
        known = self._base
        for checkpoint, coefficient in terms:
            torch.add(known, self._delta(checkpoint), alpha=coefficient, out=self.theta)
            known = self.theta
        if known is not self.theta:
            self.theta.copy_(known)

    def _between(self, first: float, second: float) -> bool:
        """Whether two coefficients lie on the line through the two models, and the line may be kept."""
        return abs(first + second - 1.0) <= 1e-9 and 4 * self._base.nbytes <= self._budget

    def _line(self, first: str, second: str) -> tuple[torch.Tensor, torch.Tensor]:
        """(θ of the first model, θ_second − θ_first): a point of the line is then one pass over memory, not two."""
        if (found := self._held((first, second))) is None:
            mine, theirs = self._delta(first), self._delta(second)
            found = self._keep((first, second), self._base + mine, theirs - mine)
        return found[0], found[1]

    def _delta(self, checkpoint: str) -> torch.Tensor:
        if (found := self._held((checkpoint,))) is None:
            found = self._keep((checkpoint,), self._to_device(self._open(checkpoint).flat(self.layout)))
        return found[0]

    def _held(self, key: tuple[str, ...]) -> tuple[torch.Tensor, ...] | None:
        if key in self._kept:
            self._kept.move_to_end(key)
        return self._kept.get(key)

    def _keep(self, key: tuple[str, ...], *values: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Keep vectors under a key; the ones used longest ago make room, the new ones stay whatever the budget."""
        room = self._budget // self._base.nbytes - len(values)
        while self._kept and sum(map(len, self._kept.values())) > room:
            self._kept.popitem(last=False)
        self._kept[key] = values
        return values

    def _to_device(self, values: torch.Tensor) -> torch.Tensor:
        if self.device.startswith("cuda"):
            return values.pin_memory().to(self.device, non_blocking=True)
        return values.to(self.device)
