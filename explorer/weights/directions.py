"""Directions that no checkpoint has: random task vectors, and the way to all-zero weights, as terms of a Point.

A Point's term may be named by a generated id in place of a checkpoint's; the task vector is then made, not read:

    random:xavier:SEED              norm 1 over all parameters, spread over tensors as Xavier's initialisation is
    random:xavier:SEED:LAYER/KIND   the same, of one parameter group alone, norm 1 over that group
    random:filter:SEED              filter-normalised (Li et al. 2018): every row as long as the base's own row
    zero                            −θ_base, so that base + zero is the model whose weights are all zero
    merge:{…}                       what a method makes of several models' task vectors (explorer.merges, `merged`)

The stream, the same on every machine. A tensor's is Philox 4×64 with counter 0 and the first 16 bytes, little-endian,
of SHA-256("KIND:SEED:" + tensor name) as key. Each 64-bit word gives two values, its low half first: the upper 24 bits
k of each half are the uniform u = (k + ½) / 2²⁴. Xavier's value is a (2u − 1), a = √(6 / (rows + columns)), columns all
dimensions after the first, and 1 for a vector; the direction is divided by its norm. The filter direction takes normal
values, by Box and Muller from two uniforms √(−2 ln u₀) (cos 2πu₁, sin 2πu₁), zero for vectors; each row is then
scaled to the norm of the base's row. Any slice is made without what lies before it.

Nothing here reads a weight: `Slices` is what a reader of task vectors wraps.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np

from explorer.errors import RecipeError
from explorer.merges._recipe import is_merge
from explorer.types import Layout, Tensor

ZERO = "zero"
"""The id of −θ_base."""

Kind = Literal["xavier", "filter"]

MOST = 2**63 - 1
_ID = re.compile(r"random:(xavier|filter):(0|[1-9][0-9]*)(?::([^/:]+/[^/:]+))?")
_BLOCK = 1 << 20


@dataclass(frozen=True)
class Direction:
    """What a generated id stands for; `group` is "LAYER/KIND", or None for all parameters (xavier only)."""

    kind: Kind
    seed: int
    group: str | None = None

    def __post_init__(self) -> None:
        known = self.kind == "xavier" or (self.kind == "filter" and self.group is None)
        if not known or not 0 <= self.seed <= MOST:
            raise RecipeError(f"no such random direction: {self!r}. {_ALLOWED}")

    @property
    def id(self) -> str:
        """The term's id in a Point."""
        return f"random:{self.kind}:{self.seed}" + (f":{self.group}" if self.group else "")

    def touches(self, tensor: Tensor) -> bool:
        """Whether it is other than zero on a tensor."""
        if self.kind == "filter":
            return len(tensor.shape) > 1
        return self.group is None or str(tensor.group) == self.group


_ALLOWED = "Write random:xavier:SEED, random:xavier:SEED:LAYER/KIND or random:filter:SEED, SEED from 0 to 2⁶³ − 1."


def is_generated(term: str) -> bool:
    """Whether a Point's term is made here and is no checkpoint's id."""
    return term == ZERO or term.startswith("random:") or is_merge(term)


def parse(term: str) -> Direction:
    """The direction of an id; RecipeError says what is allowed."""
    if not (found := _ID.fullmatch(term)):
        raise RecipeError(f"{term[:60]!r} is no random direction. {_ALLOWED}")
    return Direction("xavier" if found[1] == "xavier" else "filter", int(found[2]), found[3])


class Slices:
    """A generated task vector over a layout, slice by slice.

    `base(tensor, lo, hi)` gives θ_base[tensor].flatten()[lo:hi]; it is needed by filter directions only. RecipeError
    where the layout has no such group.
    """

    def __init__(self, direction: Direction, layout: Layout,
                 base: Callable[[Tensor, int, int], np.ndarray] | None = None) -> None:
        if not any(direction.touches(t) for t in layout.tensors):
            known = ", ".join(map(str, layout.groups))
            raise RecipeError(f"{direction.id} changes no parameter of this model; its groups: {known}.")
        if direction.kind == "filter" and base is None:
            raise ValueError("a filter-normalised direction needs the base's weights.")
        self.direction, self._base = direction, base
        self._scale = 1.0 / _norm(direction, layout) if direction.kind == "xavier" else 1.0

    def slice(self, tensor: Tensor, lo: int, hi: int) -> np.ndarray:
        """Values lo … hi of one flattened parameter, float64 of shape (hi − lo,)."""
        if not self.direction.touches(tensor):
            return np.zeros(hi - lo)
        if self.direction.kind == "xavier":
            return self._scale * _xavier(self.direction, tensor, lo, hi)
        return self._filtered(tensor, lo, hi)

    def _filtered(self, tensor: Tensor, lo: int, hi: int) -> np.ndarray:
        columns = tensor.size // tensor.shape[0]
        first, last = lo // columns, -(-hi // columns)
        rows = _normal(self.direction, tensor, first * columns, last * columns).reshape(-1, columns)
        if self._base is None:
            raise ValueError("a filter-normalised direction needs the base's weights.")
        own = np.asarray(self._base(tensor, first * columns, last * columns), np.float64).reshape(-1, columns)
        norms = np.linalg.norm(own, axis=1) / np.linalg.norm(rows, axis=1)
        return np.asarray((rows * norms[:, None]).reshape(-1)[lo - first * columns : hi - first * columns])


def group_squares(direction: Direction, layout: Layout) -> dict[str, float]:
    """Squared norm of a Xavier direction in each parameter group, "LAYER/KIND" to share; they sum to 1."""
    shares: dict[str, float] = {str(g): 0.0 for g in layout.groups}
    whole = _norm(direction, layout) ** 2
    for tensor in layout.tensors:
        if direction.touches(tensor):
            shares[str(tensor.group)] += _square(direction, tensor) / whole
    return shares


@lru_cache(maxsize=4096)
def _norm(direction: Direction, layout: Layout) -> float:
    return math.sqrt(math.fsum(_square(direction, t) for t in layout.tensors if direction.touches(t)))


def _square(direction: Direction, tensor: Tensor) -> float:
    """Squared norm over one tensor, before the direction is scaled; a block at a time."""
    blocks = (_xavier(direction, tensor, lo, min(lo + _BLOCK, tensor.size)) for lo in range(0, tensor.size, _BLOCK))
    return math.fsum(float(b @ b) for b in blocks)


def _xavier(direction: Direction, tensor: Tensor, lo: int, hi: int) -> np.ndarray:
    rows = tensor.shape[0] if tensor.shape else 1
    bound = math.sqrt(6 / (rows + tensor.size // max(rows, 1)))
    return bound * (2 * _uniform(direction, tensor, lo, hi) - 1)


def _normal(direction: Direction, tensor: Tensor, lo: int, hi: int) -> np.ndarray:
    even = _uniform(direction, tensor, lo - lo % 2, hi + hi % 2).reshape(-1, 2)
    radius, angle = np.sqrt(-2 * np.log(even[:, 0])), 2 * np.pi * even[:, 1]
    values = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1).reshape(-1)
    return np.asarray(values[lo % 2 : lo % 2 + hi - lo])


def _uniform(direction: Direction, tensor: Tensor, lo: int, hi: int) -> np.ndarray:
    """Uniform values lo … hi of a tensor's stream: in (0, 1), float64."""
    name = f"{direction.kind}:{direction.seed}:{tensor.name}"
    key = int.from_bytes(hashlib.sha256(name.encode()).digest()[:16], "little")
    block = lo // 8  # one step of the counter gives four words of two values each
    words = np.random.Philox(key=key, counter=block).random_raw(-(-hi // 2) - 4 * block)
    values = np.empty((len(words), 2))
    values[:, 0] = (words & np.uint64(0xFFFFFFFF)) >> np.uint64(8)
    values[:, 1] = words >> np.uint64(40)
    return np.asarray((values.reshape(-1)[lo - 8 * block : hi - 8 * block] + 0.5) / 2**24)
