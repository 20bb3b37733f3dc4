"""What was computed of single texts, kept so that it is not computed again: growing prefixes in a byte budget.

A measurement uses the first texts of a split. What a first pass computed is therefore the beginning of what the full
one needs, and only the rest is forwarded.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable

import numpy as np


class Rows:
    """Arrays (b, w), one row a text, by key; the ones not used for longest go when the budget is spent."""

    def __init__(self, budget: int) -> None:
        self._budget, self._bytes = budget, 0
        self._held: OrderedDict[Hashable, np.ndarray] = OrderedDict()

    def get(self, key: Hashable) -> np.ndarray:
        """The rows known so far, first text first; none, of shape (0, 0), where nothing is known."""
        if key not in self._held:
            return np.zeros((0, 0), np.float32)
        self._held.move_to_end(key)
        return self._held[key]

    def put(self, key: Hashable, rows: np.ndarray) -> None:
        """Keep rows in place of the shorter prefix known so far."""
        if key in self._held:
            self._bytes -= self._held.pop(key).nbytes
        if rows.nbytes > self._budget:
            return
        self._held[key] = rows
        self._bytes += rows.nbytes
        while self._bytes > self._budget:
            self._bytes -= self._held.popitem(last=False)[1].nbytes
