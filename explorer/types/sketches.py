"""Geometry from sketches: what a Gram is where inner products are estimated from random projections."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from explorer.errors import InputError
from explorer.types.geometry import Gram, chosen_groups
from explorer.types.models import Group, Layout
from explorer.types.points import Point

MOST = 5000
"""Checkpoints of which a matrix of all pairs is made; beyond them coordinates alone are."""


@dataclass(frozen=True)
class Sketch:
    """How task vectors are projected: to `dimension` numbers a parameter group, by a seed."""

    dimension: int
    seed: int = 0

    @property
    def error(self) -> float:
        """The relative error that a squared distance keeps with probability .95, at most; .09 for 1,024 numbers.

        1.96 √(2 / k) of a single group; the errors of several groups are independent, so that of them all is smaller.
        """
        return float(1.96 * np.sqrt(2 / self.dimension))

    def sizes(self, layout: Layout) -> tuple[int, ...]:
        """How many numbers are kept of each group: those of small ones are kept as they are."""
        whole = dict.fromkeys(layout.groups, 0)
        for tensor in layout.tensors:
            whole[tensor.group] += tensor.size
        return tuple(min(self.dimension, size) for size in whole.values())

    def as_dict(self) -> dict[str, Any]:
        return {"dimension": self.dimension, "error": self.error, "seed": self.seed}


@dataclass(frozen=True, eq=False)
class SketchRow:
    """A checkpoint's sketch, float32 of shape (Σ k_g,)."""

    sketch: Sketch
    values: np.ndarray

    def squares(self, sizes: Sequence[int]) -> np.ndarray:
        """‖s_g‖² of each group, float64 (g,)."""
        ends = np.cumsum([0, *sizes])
        return np.add.reduceat(self.values.astype(np.float64) ** 2, ends[:-1])


class Sketched(Gram):
    """A Gram in the form of sketches: matrices are made when asked for and of few checkpoints alone, norms are at hand.

    `squares` is float64 (n, g); `load(ids)` gives the sketches of checkpoints, float32 (n, Σ k_g) over all groups of
    the layout, of which `columns` says where those of `groups` are.
    """

    sketch: Sketch
    _squares: np.ndarray
    _columns: tuple[slice, ...]
    _load: Callable[[Sequence[str]], np.ndarray]

    def __init__(self, ids: tuple[str, ...], groups: tuple[Group, ...], sketch: Sketch, squares: np.ndarray,
                 columns: tuple[slice, ...], load: Callable[[Sequence[str]], np.ndarray]) -> None:
        given = {"ids": ids, "groups": groups, "sketch": sketch, "_squares": squares, "_columns": columns,
                 "_load": load}
        self.__dict__.update(given)

    def __reduce__(self) -> tuple[Any, ...]:
        ends = np.cumsum([0, *(c.stop - c.start for c in self._columns)])
        columns = tuple(slice(int(a), int(b)) for a, b in itertools.pairwise(ends))
        return Sketched, (self.ids, self.groups, self.sketch, self._squares, columns, Rows(self.ids, self.rows))

    @cached_property
    def rows(self) -> np.ndarray:
        """The sketches over the groups, float32 (n, Σ k_g): their inner products are `matrix`."""
        found = self._load(self.ids)
        whole = sum(c.stop - c.start for c in self._columns) == found.shape[1]
        return found if whole else np.concatenate([found[:, c] for c in self._columns], axis=1)

    @cached_property
    def values(self) -> np.ndarray:
        """float64 (g, n, n); InputError beyond MOST checkpoints."""
        self._check()
        found = self._load(self.ids)
        return np.stack([found[:, c].astype(np.float64) @ found[:, c].T.astype(np.float64) for c in self._columns])

    @cached_property
    def matrix(self) -> np.ndarray:
        self._check()
        rows = self.rows.astype(np.float64)
        return rows @ rows.T

    @cached_property
    def norms(self) -> np.ndarray:
        return np.sqrt(self._squares.sum(axis=1))

    @property
    def finite(self) -> bool:
        return bool(np.isfinite(self._squares).all())

    def select(self, layers: Iterable[str] | None = None, kinds: Iterable[str] | None = None) -> Gram:
        keep = chosen_groups(self.groups, layers, kinds)
        return Sketched(self.ids, tuple(self.groups[i] for i in keep), self.sketch, self._squares[:, keep],
                        tuple(self._columns[i] for i in keep), self._load)

    def subset(self, ids: Sequence[str]) -> Gram:
        rows = self.places(ids)
        return Sketched(tuple(ids), self.groups, self.sketch, self._squares[rows], self._columns, self._load)

    def inner(self, point: Point) -> tuple[np.ndarray, float]:
        c = point.coefficients(self.ids)
        used = np.flatnonzero(c)
        place = c[used] @ self.rows[used].astype(np.float64)
        return self.rows @ place, float(place @ place)

    def _check(self) -> None:
        if len(self.ids) > MOST:
            raise InputError(f"this compares every model with every other; of {len(self.ids):,} models that takes too "
                             f"much memory (at most {MOST:,}). Choose fewer models.")


class Rows:
    """Sketches in memory, by id."""

    def __init__(self, ids: Sequence[str], rows: np.ndarray) -> None:
        self._place, self._rows = {key: i for i, key in enumerate(ids)}, rows

    def __call__(self, ids: Sequence[str]) -> np.ndarray:
        return self._rows if len(ids) == len(self._place) and list(ids) == list(self._place) else self._rows[
            [self._place[key] for key in ids]]
